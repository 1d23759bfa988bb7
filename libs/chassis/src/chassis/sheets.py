"""Lists as XLSX (ECMA-376), written while they are read: pages of rows in, bytes out, and never more than a page in memory.

Written here because the libraries at hand put the whole workbook on disk before its first byte, and a gateway does not wait that long.
A text is a text whatever it begins with: formulas are never written.
"""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import IO, Any, BinaryIO, Literal, cast
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from sqlalchemy import text

from chassis.db import Session

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_575
"""Of a sheet, besides its header."""
MOST_CHARACTERS = 32_767
"""Of a cell; a longer text is cut and ends in an ellipsis."""
PAGE_ROWS = 1000
LARGEST_INTEGER = 2**53
"""Spreadsheets count in binary64; what is larger is written as text."""

# A formula where a spreadsheet guesses: such texts are also marked as texts, so that they stay so when somebody edits them.
_GUESSED = ("=", "+", "-", "@", "\t", "\r", "|", "%")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  cells know no zone
_FIRST = datetime(1900, 3, 1)  # noqa: DTZ001  before it spreadsheets disagree about the calendar

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_APPLICATION = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PLAIN, _MOMENT, _BOLD, _MARKED, _DAY = range(5)
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_APPLICATION}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_APPLICATION}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_APPLICATION}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="5"><xf xfId="0"/>'
    '<xf numFmtId="164" xfId="0" applyNumberFormat="1"/><xf fontId="1" xfId="0" applyFont="1"/>'
    '<xf numFmtId="49" xfId="0" quotePrefix="1" applyNumberFormat="1"/><xf numFmtId="165" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


@dataclass(frozen=True)
class Column:
    """A column of a list: its name, language → title, and the SQL of its value; a `moment` is written by the clock of the list's zone."""

    name: str
    titles: Mapping[str, str]
    sql: str
    moment: bool = False


@dataclass(frozen=True)
class Filter:
    """What a list can be narrowed by: SQL over the bound parameter of the same name; `known` are the values that there are, when few."""

    sql: str
    kind: Literal["uuid", "text"] = "text"
    required: bool = False
    known: Sequence[str] = ()


@dataclass(frozen=True)
class Sheet:
    """A list that can be taken out: `source` and `where` are SQL, `keys` the (SQL, type) that order it and are unique together.

    An index that begins with what `where` fixes and goes on with the keys makes each page cost the same. Where a join's keys are of two
    tables no index has them all: `leading` says how many are of the first, and a page then begins where that table's index has them.
    """

    name: str
    source: str
    keys: Sequence[tuple[str, str]]
    columns: Sequence[Column]
    where: str = "true"
    filters: Mapping[str, Filter] = field(default_factory=dict)
    leading: int = 0

    def _conditions(self, given: Iterable[str]) -> str:
        return " AND ".join([self.where, *(self.filters[name].sql for name in given)])

    def counting(self, given: Iterable[str]) -> str:
        """Return the statement that counts the rows, up to one more than a sheet holds."""
        most = f"LIMIT {MOST_ROWS + 1}"
        return f"SELECT count(*) FROM (SELECT FROM {self.source} WHERE {self._conditions(given)} {most}) AS counted"

    def paging(self, given: Iterable[str], *, first: bool) -> str:
        """Return the statement of one page: its keys, then its columns."""
        keys = [sql for sql, _ in self.keys]
        after = [f"CAST(:after_{place} AS {kind})" for place, (_, kind) in enumerate(self.keys)]
        further = "" if first else f"AND ({', '.join(keys)}) > ({', '.join(after)})"
        if further and self.leading:
            further += f" AND ({', '.join(keys[: self.leading])}) >= ({', '.join(after[: self.leading])})"
        return (
            f"SELECT {', '.join([*keys, *(column.sql for column in self.columns)])} FROM {self.source} "
            f"WHERE {self._conditions(given)} {further} ORDER BY {', '.join(keys)} LIMIT {PAGE_ROWS}"
        )


async def count(session: Session, sheet: Sheet, parameters: Mapping[str, Any], given: Sequence[str]) -> int:
    """Return how many rows a list has, at most one more than a sheet holds."""
    found = await session.execute(text(sheet.counting(given)), dict(parameters))
    return int(found.scalar_one())


async def page(
    session: Session, sheet: Sheet, parameters: Mapping[str, Any], given: Sequence[str], after: Sequence[Any] | None
) -> tuple[list[Sequence[Any]], Sequence[Any] | None]:
    """Return a page of rows and the keys of its last, None when nothing follows."""
    # A page is read along the index of its keys. Just after an import the planner has no statistics, takes what follows for little, and
    # reads and sorts all of it for each page: 49 s for 110,000 rows where this takes 7.
    for method in ("sort", "bitmapscan", "hashjoin", "mergejoin"):
        await session.execute(text(f"SET LOCAL enable_{method} = off"))
    place = {f"after_{number}": value for number, value in enumerate(after or ())}
    found = await session.execute(text(sheet.paging(given, first=after is None)), {**parameters, **place})
    rows = found.all()
    width = len(sheet.keys)
    last = tuple(rows[-1][:width]) if len(rows) == PAGE_ROWS else None
    return [tuple(row[width:]) for row in rows], last


def cell(value: Any, zone: ZoneInfo, language: str) -> str:  # noqa: ANN401, PLR0911  whatever a database returns, one line each
    """Return a value as the XML of a cell: numbers, truths and moments typed, everything else as text."""
    match value:
        case None:
            return "<c/>"
        case bool():
            return f'<c t="b"><v>{int(value)}</v></c>'
        case int() if abs(value) <= LARGEST_INTEGER:
            return f"<c><v>{value}</v></c>"
        case float() if value - value == 0:
            return f"<c><v>{value!r}</v></c>"
        case datetime():
            local = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(zone).replace(tzinfo=None)
            return _moment(local, _MOMENT) if local >= _FIRST else _text(local.isoformat(" ", "seconds"))
        case date():
            return _moment(datetime(value.year, value.month, value.day), _DAY)  # noqa: DTZ001  a day has no zone
        case dict():
            return _text(_words(value, language))
        case list() | tuple():
            return _text("; ".join(str(one) for one in value))
        case _:
            return _text(str(value))


def _moment(local: datetime, style: int) -> str:
    since = local - _EPOCH
    return f'<c s="{style}"><v>{since.days + since.seconds / 86400!r}</v></c>'


def _words(texts: Mapping[str, Any], language: str) -> str:
    for tag in (language, "en", "zh", *sorted(texts)):
        if tag in texts:
            return str(texts[tag])
    return ""


def _text(value: str, style: int = _PLAIN) -> str:
    if len(value) > MOST_CHARACTERS:
        value = value[: MOST_CHARACTERS - 1] + "…"
    if style == _PLAIN and value.startswith(_GUESSED):
        style = _MARKED
    clean = escape(_ESCAPE.sub("_x005F_", _NOT_XML.sub("\ufffd", value))).replace("\r", "_x000D_")
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{clean}</t></is></c>'


def _named(part: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(part, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


class _Sink:
    """Takes what the archive writes until it is fetched. It cannot be sought, so the archive writes straight ahead."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: whoever fetches decides."""

    def fetch(self) -> bytes:
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data


async def stream(
    header: Sequence[str], pages: AsyncIterator[Sequence[Sequence[Any]]], *, zone: str, language: str, title: str
) -> AsyncIterator[bytes]:
    """Yield a workbook of one sheet. Raises what reading the pages raises: then the file has no end, and no program opens it."""
    sink = _Sink()
    local = ZoneInfo(zone)
    name = escape(re.sub(r"[\[\]:*?/\\']", " ", title)[:31], {'"': "&quot;"})
    workbook = f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>'

    def write(entry: IO[bytes], rows: Sequence[Sequence[Any]]) -> None:
        lines = ("".join(cell(value, local, language) for value in row) for row in rows)
        entry.write("".join(f"<row>{line}</row>" for line in lines).encode())

    with zipfile.ZipFile(cast("BinaryIO", sink), "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
        for part, content in {**_PARTS, "xl/workbook.xml": workbook}.items():
            archive.writestr(_named(part), _XML + content)
        with archive.open(_named("xl/worksheets/sheet1.xml"), "w") as entry:
            titles = "".join(_text(one, _BOLD) for one in header)
            frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
            entry.write(
                f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
                f'<sheetFormatPr defaultRowHeight="15" defaultColWidth="18"/><sheetData><row>{titles}</row>'.encode()
            )
            async for rows in pages:
                # In a thread, so that a long list does not keep everybody else waiting.
                await asyncio.to_thread(write, entry, rows)
                yield sink.fetch()
            entry.write(b"</sheetData></worksheet>")
    yield sink.fetch()


def header(sheet: Sheet, zone: str, language: str) -> list[str]:
    """Return the titles in the reader's language; those of moments say whose clock they follow."""
    return [
        f"{column.titles[language]} ({zone})" if column.moment else column.titles[language] for column in sheet.columns
    ]
