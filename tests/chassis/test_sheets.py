"""Workbooks: typed, never a formula, whole or without an end, and no more in memory than a page."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chassis.workbooks import read_rows

from chassis import sheets

HOSTILE = ["=cmd|'/c calc'!A1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "|x", "%0A"]


async def _pages(*pages: Sequence[Sequence[Any]]) -> AsyncIterator[Sequence[Sequence[Any]]]:
    for page in pages:
        yield page


async def whole(*pages: Sequence[Sequence[Any]], header: Sequence[str] = ("A",), zone: str = "Asia/Shanghai") -> bytes:
    made = sheets.stream(header, _pages(*pages), zone=zone, language="zh", title="list: [1]")
    return b"".join([chunk async for chunk in made])


async def test_values_keep_their_types() -> None:
    moment = datetime(2026, 11, 20, 16, 30, 15, tzinfo=UTC)
    identifier = UUID("0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10")
    row = [
        None,
        True,
        7,
        2**60,
        0.5,
        moment,
        date(2026, 11, 20),
        "小雨",
        {"zh": "口语", "en": "Talk"},
        {"fr": "Parler"},
        ["a", "b"],
        identifier,
        datetime(1890, 1, 1, tzinfo=UTC),
        "",
    ]
    header, found = read_rows(await whole([row], header=["名称", "=B"]))
    assert header == ["名称", "=B"]
    assert found == [
        None,
        True,
        7,
        str(2**60),
        0.5,
        datetime(2026, 11, 21, 0, 30, 15),  # noqa: DTZ001  the same moment by Shanghai's clock
        datetime(2026, 11, 20),  # noqa: DTZ001
        "小雨",
        "口语",
        "Parler",
        "a; b",
        str(identifier),
        "1890-01-01 08:05:43",
        "",
    ]


async def test_what_looks_like_a_formula_stays_a_text_and_is_marked_as_one() -> None:
    data = await whole([[one] for one in HOSTILE])
    assert [row[0] for row in read_rows(data)[1:]] == HOSTILE
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    assert "<f" not in sheet.replace("<freeze", "")
    assert sheet.count('<c s="3" t="inlineStr">') == len(HOSTILE)
    assert 'quotePrefix="1"' in styles


async def test_another_program_reads_the_same() -> None:
    moment = datetime(2026, 11, 20, 16, 30, 15, tzinfo=UTC)
    data = await whole(*[[[one, 1, moment, None, True]] for one in HOSTILE[:4]], header=["甲", "B", "C", "D", "E"])
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    sheet = book.worksheets[0]
    header, *rows = [list(row) for row in sheet.iter_rows()]
    assert [one.value for one in header] == ["甲", "B", "C", "D", "E"]
    assert [row[0].value for row in rows] == HOSTILE[:4]
    assert {row[0].data_type for row in rows} == {"s"}, "a formula would be of type f"
    local = datetime(2026, 11, 21, 0, 30, 15)  # noqa: DTZ001
    assert [[one.value for one in row[1:]] for row in rows] == [[1, local, None, True]] * 4
    book.close()


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    [[found]] = read_rows(asyncio.run(whole([[text]])))[1:]
    assert found == sheets._NOT_XML.sub("\ufffd", text)


async def test_a_long_text_is_cut() -> None:
    [[found]] = read_rows(await whole([["长" * 40_000]]))[1:]
    assert (len(found), found[-1]) == (sheets.MOST_CHARACTERS, "…")


async def test_a_list_that_breaks_off_is_no_workbook() -> None:
    async def failing() -> AsyncIterator[Sequence[Sequence[Any]]]:
        yield [["a"]]
        raise OSError("away")

    got = bytearray()

    async def receive() -> None:
        async for chunk in sheets.stream(["A"], failing(), zone="UTC", language="en", title="x"):
            got.extend(chunk)

    with pytest.raises(OSError, match="away"):
        await receive()
    assert got
    with pytest.raises(zipfile.BadZipFile):
        read_rows(bytes(got))


async def test_memory_does_not_grow_with_the_list() -> None:
    async def many(pages: int) -> AsyncIterator[Sequence[Sequence[Any]]]:
        for page in range(pages):
            yield [[page * 1000 + row, "小雨 " * 10, datetime(2026, 1, 1, tzinfo=UTC)] for row in range(1000)]

    async def peak(pages: int) -> int:
        tracemalloc.start()
        async for _ in sheets.stream(["A", "B", "C"], many(pages), zone="UTC", language="en", title="x"):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, lots = await peak(3), await peak(30)
    assert lots < 1.5 * few, (few, lots)


def test_a_page_continues_behind_the_keys_of_the_last() -> None:
    sheet = sheets.Sheet(
        name="x",
        source="t",
        keys=(("t.a", "integer"), ("t.b", "uuid")),
        columns=(sheets.Column("c", {"en": "C", "zh": "丙"}, "t.c", moment=True),),
        where="t.d = :d",
        filters={"e": sheets.Filter("t.e = :e"), "f": sheets.Filter("t.f = :f", required=True)},
    )
    assert (
        sheet.paging(["e"], first=False).split()
        == (
            "SELECT t.a, t.b, t.c FROM t WHERE t.d = :d AND t.e = :e AND (t.a, t.b) > (CAST(:after_0 AS integer), "
            f"CAST(:after_1 AS uuid)) ORDER BY t.a, t.b LIMIT {sheets.PAGE_ROWS}"
        ).split()
    )
    assert ":after" not in sheet.paging(["e"], first=True)
    assert sheets.header(sheet, "Asia/Shanghai", "zh") == ["丙 (Asia/Shanghai)"]
    joined = dataclasses.replace(sheet, leading=1)
    assert "AND (t.a) >= (CAST(:after_0 AS integer)) ORDER BY" in joined.paging([], first=False)
    assert ":after" not in joined.paging([], first=True)
