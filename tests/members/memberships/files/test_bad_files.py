"""Files that are none, that lie about themselves, or that would blow up: a clear problem, and nothing stored."""

import asyncio
import zipfile
from io import BytesIO
from typing import Any

import pytest
from tests.members.memberships.files.brought import CSV, PEOPLE, USUAL, XLSX, Desk, with_parts, workbook
from tests.members.town import found_town

from chassis.requests import UploadRequest
from chassis.testing.kit import Kit
from members.memberships.files import commands, policy, workbooks

SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
BOOK = workbook([["编号", "姓名"], [1, "林悦"]])
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    f"<worksheet {NAMESPACE}><sheetData><row><c t='inlineStr'><is><t>&b;</t></is></c></row></sheetData></worksheet>"
).encode()


def sheet(inner: str) -> bytes:
    return with_parts(BOOK, {SHEET: f"<worksheet {NAMESPACE}><sheetData>{inner}</sheetData></worksheet>".encode()})


def encrypted() -> bytes:
    """Return the workbook with the flag of encryption on every entry."""
    packed = bytearray(BOOK)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = packed.find(mark)
        while at >= 0:
            packed[at + offset] |= 1
            at = packed.find(mark, at + 4)
    return bytes(packed)


def plain_zip() -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        packed.writestr("members.csv", "id,name\n1,x\n")
    return written.getvalue()


BAD: dict[str, tuple[str, bytes]] = {
    "empty": ("file-empty", b""),
    "blank lines": ("file-empty", b"\n\n,,\n"),
    "a header alone": ("file-empty", "编号,姓名\n".encode()),
    "a million columns": ("too-many-columns", b"a," * 1_000_000 + b"a\n1\n"),
    "a million columns, one a line": ("record-too-long", b'"\n",' * 1_000_000 + b"a\n"),
    "201 columns": ("too-many-columns", ",".join(["a"] * 201).encode() + b"\n1\n"),
    "an open quotation mark": ("record-too-long", b'id,name\n1,"' + b"x\n" * 200_000),
    "a stray quotation mark": ("csv-malformed", b'id,name\n1,"x"y\n'),
    "a huge cell": ("record-too-long", b"id,name\n1," + b"x" * 200_000),
    "bytes of no encoding": ("encoding-unreadable", b"id,name\n1,\xff\xff\n"),
    "half of UTF-16": ("encoding-unreadable", "id,name\n".encode("utf-16") + b"x"),
    "NUL": ("file-not-text", b"id,name\n1,a\0b\n"),
    "UTF-16 without a mark": ("file-not-text", "id,name\n1,a\n".encode("utf-16-le")),
    "an old or encrypted workbook": ("xls-unsupported", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)),
    "an encrypted zip": ("xlsx-encrypted", encrypted()),
    "another zip": ("xlsx-malformed", plain_zip()),
    "half a workbook": ("xlsx-malformed", BOOK[: len(BOOK) // 2]),
    "damaged content": ("xlsx-malformed", BOOK[:60] + bytes(40) + BOOK[100:]),
    "no XML": ("xlsx-malformed", with_parts(BOOK, {SHEET: b"<worksheet"})),
    "no number for a cell": ("xlsx-malformed", sheet('<row r="1"><c r="A1"><v>x</v></c></row>')),
    "no place for a cell": ("xlsx-malformed", sheet('<row r="1"><c r="??"><v>1</v></c></row>')),
    "a bomb": ("xlsx-too-large", with_parts(BOOK, {SHEET: b" " * (40 * 2**20)})),
    "many bombs": ("xlsx-too-large", with_parts(BOOK, {f"x{n}.bin": bytes(2**20) for n in range(129)})),
    "many parts": ("xlsx-too-large", with_parts(BOOK, {f"x{n}": b"" for n in range(2001)})),
    "a billion laughs": ("xlsx-entities", with_parts(BOOK, {SHEET: LAUGHS})),
    "laughs in the strings": ("xlsx-entities", with_parts(BOOK, {"xl/sharedStrings.xml": LAUGHS})),
    "laughs in a relation": ("xlsx-entities", with_parts(BOOK, {"_rels/.rels": LAUGHS})),
    "an unknown depth": ("xlsx-too-large", sheet("<x>" * 100 + "</x>" * 100)),
    "a zip within": ("xlsx-embedded-files", with_parts(BOOK, {"xl/media/inner.zip": plain_zip()})),
    "an embedded document": ("xlsx-embedded-files", with_parts(BOOK, {"xl/embeddings/oleObject1.bin": b"x"})),
    "macros": ("xlsx-macros", with_parts(BOOK, {"xl/vbaProject.bin": b"x"})),
    "links to other workbooks": ("xlsx-external-links", with_parts(BOOK, {"xl/externalLinks/externalLink1.xml": b"<x/>"})),
    "a row of too many cells": ("xlsx-too-large", sheet("<row r='1'>" + "<c><v>1</v></c>" * 40_000 + "</row>")),
    "a cell far out": ("too-many-columns", sheet("<row r='1'><c r='XFD1'><v>1</v></c></row>")),
}  # fmt: skip


@pytest.fixture(scope="module")
async def desk(kit: Kit) -> Desk:
    town = await found_town(kit)
    return Desk(kit, town.owner, (await town.community(state="draft"))["id"])


async def stored(desk: Desk) -> list[Any]:
    return await desk.kit.sql(
        "SELECT id::text FROM member_file UNION ALL SELECT file_id::text FROM member_file_row "
        "UNION ALL SELECT key FROM due_work WHERE kind LIKE 'member_files.%'"
    )


@pytest.mark.parametrize("name", BAD)
async def test_bad_files(desk: Desk, name: str) -> None:
    code, content = BAD[name]
    answer = await desk.send(content, "application/octet-stream")
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:hearth:problem:{code}"), answer.text
    assert answer.json()["detail"]
    assert await stored(desk) == []


async def test_a_fault_after_a_thousand_rows_leaves_nothing(desk: Desk) -> None:
    lines = "".join(f"{n},P {n}\n" for n in range(2500))
    answer = await desk.send(f'id,name\n{lines}1,"x"y\n')
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:hearth:problem:csv-malformed")
    assert "2502" in answer.json()["detail"]
    assert await stored(desk) == []


async def test_too_many_rows(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_ROWS", 3)
    answer = await desk.send("id,name\n1,a\n2,b\n3,c\n4,d\n")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:hearth:problem:too-many-rows")
    assert await stored(desk) == []


async def test_a_sheet_of_too_many_blank_cells(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_CELLS", 1000)
    far = sheet("<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='A1048576'><v>1</v></c></row>")
    answer = await desk.send(far, XLSX)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:hearth:problem:too-many-cells")


async def test_size_and_media_type(desk: Desk) -> None:
    answer = await desk.send(b"id,name\n" + b"x" * 16 * 2**20)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:hearth:problem:body-too-large")
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        answer = await desk.send(PEOPLE, kind)
        assert (answer.status_code, answer.json()["type"]) == (415, "urn:hearth:problem:unsupported-media-type")
    assert await stored(desk) == []


async def test_so_many_uploads_at_once_and_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UploadRequest, "most_at_once", 1)
    answers = await asyncio.gather(*(desk.send(b"id,name\n" + b"x,y\n" * 1000 + b'"') for _ in range(3)))
    assert min(answer.status_code for answer in answers) == 422
    assert {answer.status_code for answer in answers} <= {422, 503}
    assert (await desk.send(b"")).status_code == 422, "who was refused and who failed holds no place"
    monkeypatch.setattr(UploadRequest, "most_at_once", 0)
    refused = await desk.send(PEOPLE)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")


async def test_so_many_files_and_no_more(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    town = await found_town(kit)
    own = Desk(kit, town.owner, (await town.community(state="draft"))["id"])
    monkeypatch.setattr(commands, "MOST_FILES", 1)
    await own.bring(PEOPLE)
    answer = await own.send(PEOPLE)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:hearth:problem:too-many-files")
    await kit.sql("DELETE FROM member_file")
    await kit.sql("DELETE FROM due_work WHERE kind LIKE 'member_files.%'")


ENCODED = {
    "utf-8 with a mark": (PEOPLE.encode("utf-8-sig"), {}, "utf-8"),
    "gbk": (PEOPLE.encode("gbk"), {}, "gb18030"),
    "gb18030 of four bytes": (PEOPLE.replace("林悦", "㐀悦").encode("gb18030"), {}, "gb18030"),
    "utf-16": (PEOPLE.encode("utf-16"), {}, "utf-16"),
    "utf-16 big end first": (b"\xfe\xff" + PEOPLE.encode("utf-16-be"), {}, "utf-16"),
    "declared big5": ("姓名,id\n林,1\n".encode("big5"), {"encoding": "big5"}, "big5"),
    "declared utf-8 with a mark": (PEOPLE.encode("utf-8-sig"), {"encoding": "utf-8"}, "utf-8"),
}


@pytest.mark.parametrize("name", ENCODED)
async def test_encodings(kit: Kit, name: str) -> None:
    content, hints, encoding = ENCODED[name]
    town = await found_town(kit)
    own = Desk(kit, town.owner, (await town.community(state="draft"))["id"])
    file = await own.bring(content, CSV, **hints)
    assert file["encoding"] == encoding
    assert {"姓名", "编号"} & {one["name"] for one in file["columns"]}
    await kit.sql("DELETE FROM member_file")
    await kit.sql("DELETE FROM due_work WHERE kind LIKE 'member_files.%'")


async def test_a_declared_encoding_wins(desk: Desk) -> None:
    answer = await desk.send(PEOPLE.encode("gbk"), encoding="utf-8")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:hearth:problem:encoding-unreadable")
    assert (await desk.send(PEOPLE, encoding="klingon")).status_code == 422


SHAPES = {
    "semicolons": ("编号;姓名\n1;a,b\n", {}, ";", ["编号", "姓名"], True),
    "tabs": ("编号\t姓名\n1\ta\n", {}, "\t", ["编号", "姓名"], True),
    "said by Excel": ("sep=|\n编号|姓名\n1|a\n", {}, "|", ["编号", "姓名"], True),
    "no header": ("1,林悦,13800138000\n2,王,13900139000\n", {}, ",", ["", "", ""], False),
    "no header, said so": ("a,b\nc,d\n", {"header": "false"}, ",", ["", ""], False),
    "a header of numbers, said so": ("1,2\n3,4\n", {"header": "true"}, ",", ["1", "2"], True),
    "headers twice and none": ("姓名,姓名,\n1,2,3\n", {}, ",", ["姓名", "姓名", ""], True),
    "blank lines before": ("\n\n编号,姓名\n1,a\n", {}, ",", ["编号", "姓名"], True),
    "old line ends": ("编号,姓名\r1,a\r", {}, ",", ["编号", "姓名"], True),
}


@pytest.mark.parametrize("name", SHAPES)
async def test_shapes(kit: Kit, name: str) -> None:
    content, hints, delimiter, names, header = SHAPES[name]
    town = await found_town(kit)
    own = Desk(kit, town.owner, (await town.community(state="draft"))["id"])
    file = await own.bring(content, CSV, **hints)
    assert (file["delimiter"], [one["name"] for one in file["columns"]], file["header"]) == (delimiter, names, header)
    assert file["rows"] == 1 + (not header)
    await kit.sql("DELETE FROM member_file")
    await kit.sql("DELETE FROM due_work WHERE kind LIKE 'member_files.%'")


async def test_bad_rows_are_told_one_by_one(kit: Kit) -> None:
    town = await found_town(kit)
    own = Desk(kit, town.owner, (await town.community(state="draft"))["id"])
    lines = [
        ("1,Good,,,", None),
        ("2,Short", None),
        ("3,Wide,,,,x", "row-too-wide"),
        ("4,Blank beyond,,,,", None),
        (f"5,{'x' * 2001},,,", "cell-too-long"),
        (f"6,{'x' * 201},,,", "name-too-long"),
        ("7,a\x07b,,,", "cell-control-character"),
        ("8,=cmd|' /C calc'!A0,,,", "cell-formula"),
        ("=9,Lin,,,", "cell-formula"),
        ("10,#REF!,,,", "cell-error"),
        ("11,\u3164,,,", "name-missing"),
        ("12,Lin,12,,", "phone-invalid"),
        ("13,Lin,,lin@,", "email-invalid"),
        ("14,Lin,,,a/b", "tag-invalid"),
        (",Lin,,,", "nobody-named"),
        (f"{'9' * 201},Lin,,,", "external-id-too-long"),
        ('17,Lin,,,"' + ",".join(f"t{n}" for n in range(21)) + '"', "row-too-many-tags"),
        ("1,Again,,,", "duplicate-row"),
        ('19,Rich,+8613800138000,rich@example.com,"a,b"', None),
        (",Same phone,13800138000,,", "duplicate-row"),
    ]  # fmt: skip
    text = "id,name,phone,email,tags\n" + "\n".join(line for line, _ in lines) + "\n"
    file = await own.through(await own.map(await own.bring(text), USUAL), "start")
    found = {row["number"]: (row["reason"] or {}).get("code") for row in await own.rows(file)}
    assert [found[number] for number in range(2, len(lines) + 2)] == [code for _, code in lines]
    assert all(policy.Outcome(row["outcome"]) for row in await own.rows(file))
    await kit.sql("DELETE FROM member_file")
    await kit.sql("DELETE FROM due_work WHERE kind LIKE 'member_files.%'")
