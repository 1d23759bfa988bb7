"""Reading XLSX: what could blow up is refused before a byte of it is unpacked, then one row at a time, in bounded memory.

openpyxl reads rows as they come and, with defusedxml, no entities. Its limits are not ours, so every part is first run through a
bare XML parser that counts: a sheet of a million cells in one row would otherwise be held as a tree.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO, Any
from xml.parsers import expat

from openpyxl import load_workbook

from members.memberships.files.policy import MOST_COLUMNS, FileError

MOST_ENTRIES = 2_000
MOST_UNPACKED = 128 * 2**20
MOST_OTHER_PART = 32 * 2**20
MOST_RATIO = 200
RATIO_MATTERS = 2**20
MOST_ELEMENTS = 8_000_000
MOST_CELLS_IN_ROW = 16_384
MOST_CELLS = 20_000_000
DEEPEST = 64
ROW_DEPTH = 3
"""worksheet, sheetData, row"""
SHEETS = "xl/worksheets/"
_CHUNK = 2**16
_NESTED = (".zip", ".xlsx", ".xlsm", ".xls", ".docx", ".7z", ".rar", ".gz")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_BOMB = FileError("xlsx-too-large", "Unpacked, the workbook is larger than a table of members can be.")
_BROKEN = FileError("xlsx-malformed", "The file is no workbook that can be read: save it again as .xlsx, or as CSV.")


def is_workbook(file: IO[bytes]) -> bool:
    """Tell whether the content is a zip. Raises FileError for Excel's older or encrypted files."""
    file.seek(0)
    head = file.read(8)
    if head == _OLE:
        raise FileError(
            "xls-unsupported",
            "This is an old .xls or an encrypted workbook: save it as .xlsx without password, or as CSV.",
        )
    return head.startswith(_ZIP)


def rows(file: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of the first sheet's rows, without the blank ones. Formulas count as the value that was saved with them.

    Raises FileError.
    """
    file.seek(0)
    _check(file)
    file.seek(0)
    try:
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # a broken workbook breaks openpyxl in many ways
        raise _BROKEN from error
    try:
        if not book.worksheets:
            raise FileError("xlsx-malformed", "The workbook has no sheet with cells.")
        yield from _rows(book.worksheets[0].iter_rows(values_only=True))
    finally:
        book.close()


def _rows(found: Iterator[tuple[Any, ...]]) -> Iterator[tuple[int, list[str]]]:
    cells_seen = number = 0
    while True:
        try:
            values = next(found, None)
        except Exception as error:  # the same, further down
            raise _BROKEN from error
        if values is None:
            return
        number += 1
        cells_seen += len(values) + 1
        if cells_seen > MOST_CELLS:
            raise FileError("too-many-cells", f"The sheet spans more than {MOST_CELLS} cells, blank ones included.")
        row = [_text(value) for value in values]
        while row and not row[-1].strip():
            row.pop()
        if len(row) > MOST_COLUMNS:
            raise FileError("too-many-columns", f"Row {number} has more than {MOST_COLUMNS} columns.")
        if any("\0" in cell for cell in row):
            raise FileError("file-not-text", f"Row {number} holds NUL characters.")
        if row:
            yield number, row


def _text(value: object) -> str:
    """Return a cell as somebody would type it: whole numbers without a point, times in ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004  Excel keeps 15 digits
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    # A workbook can hold halves of characters, which no text can.
    return str(value).encode("utf-8", "replace").decode()


def _check(file: IO[bytes]) -> None:
    """Refuse a workbook that holds more than a table. Raises FileError."""
    try:
        with zipfile.ZipFile(file) as packed:
            entries = packed.infolist()
            _check_entries(entries)
            left = MOST_ELEMENTS
            for entry in entries:
                if entry.filename.endswith((".xml", ".rels", ".vml")):
                    with packed.open(entry) as part:
                        left -= _count(part, left, sheet=entry.filename.lower().startswith(SHEETS))
    except (
        zlib.error,
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        expat.ExpatError,
    ) as error:
        raise _BROKEN from error
    except RuntimeError as error:
        raise FileError("xlsx-encrypted", "The workbook is encrypted: save it without password.") from error
    except ValueError as error:
        raise _BROKEN from error


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise _BOMB
    names = [entry.filename.lower() for entry in entries]
    if len(set(names)) != len(names) or "[content_types].xml" not in names:
        raise _BROKEN
    for entry, name in zip(entries, names, strict=True):
        sheet = name.startswith(SHEETS)
        if entry.file_size > RATIO_MATTERS and entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
            raise _BOMB
        if not sheet and entry.file_size > MOST_OTHER_PART:
            raise _BOMB
        if entry.flag_bits & 1:
            raise FileError("xlsx-encrypted", "The workbook is encrypted: save it without password.")
        if name.endswith("vbaproject.bin"):
            raise FileError("xlsx-macros", "The workbook has macros: save it as .xlsx, or as CSV.")
        if name.startswith("xl/externallinks/"):
            raise FileError("xlsx-external-links", "The workbook refers to other workbooks: save its values only.")
        if name.startswith("xl/embeddings/") or name.endswith(_NESTED):
            raise FileError("xlsx-embedded-files", "The workbook has other files in it: save the table alone.")


def _count(part: IO[bytes], left: int, *, sheet: bool) -> int:
    """Return how many elements a part has. Raises FileError for too many, too deep, or a document type with its entities."""
    parser = expat.ParserCreate()
    seen = depth = in_row = 0

    def begin(name: str, _attributes: object) -> None:
        nonlocal seen, depth, in_row
        seen += 1
        depth += 1
        in_row = 0 if name == "row" or name.endswith(":row") else in_row + 1
        # A cell is an element with two or three more in it.
        if seen > left or depth > DEEPEST or (sheet and in_row > 4 * MOST_CELLS_IN_ROW and depth > ROW_DEPTH):
            raise _BOMB

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        raise FileError("xlsx-entities", "The workbook declares a document type, as no spreadsheet program does.")

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    while chunk := part.read(_CHUNK):
        parser.Parse(chunk, False)
    parser.Parse(b"", True)
    return seen
