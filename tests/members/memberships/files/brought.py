"""Files as people bring them, for tests."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import httpx
from openpyxl import Workbook

from chassis.testing.kit import Kit

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PEOPLE = "编号,姓名,手机,邮箱,标签\n1001,林悦,13800138000,lin@example.com,老用户;导师\n1002,王小明,139 0013 9000,,\n"
USUAL = [
    {"column": 0, "field": "external_id"},
    {"column": 1, "field": "name"},
    {"column": 2, "field": "phone"},
    {"column": 3, "field": "email"},
    {"column": 4, "field": "tags"},
]


def workbook(rows: Iterable[Sequence[Any]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def with_parts(packed: bytes, parts: dict[str, bytes]) -> bytes:
    """Return a workbook with parts put in or put in place of others."""
    written = BytesIO()
    with zipfile.ZipFile(BytesIO(packed)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, content in parts.items():
            new.writestr(name, content)
    return written.getvalue()


class Desk:
    """A manager with a community, bringing files."""

    def __init__(self, kit: Kit, client: httpx.AsyncClient, community: str) -> None:
        self.kit = kit
        self.client = client
        self.url = f"/v1/communities/{community}/member-files"

    async def bring(self, content: str | bytes, kind: str = CSV, **hints: Any) -> dict[str, Any]:
        answer = await self.send(content, kind, **hints)
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def send(self, content: str | bytes, kind: str = CSV, **hints: Any) -> httpx.Response:
        body = content.encode() if isinstance(content, str) else content
        return await self.client.post(self.url, content=body, headers={"Content-Type": kind}, params=hints)

    async def get(self, file: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.get(f"{self.url}/{file['id']}")
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def step(self, file: dict[str, Any], step: str) -> httpx.Response:
        headers = {"If-Match": f'"{file["version"]}"'}
        return await self.client.post(f"{self.url}/{file['id']}/{step}", headers=headers)

    async def map(self, file: dict[str, Any], columns: Sequence[dict[str, Any]] = USUAL, **more: Any) -> dict[str, Any]:
        answer = await self.remap(file, columns, **more)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def remap(self, file: dict[str, Any], columns: Sequence[dict[str, Any]], **more: Any) -> httpx.Response:
        headers = {"If-Match": f'"{file["version"]}"'}
        url = f"{self.url}/{file['id']}/mapping"
        return await self.client.put(url, json={"columns": list(columns), **more}, headers=headers)

    async def through(self, file: dict[str, Any], step: str) -> dict[str, Any]:
        """Take a step and do the work that it makes."""
        answer = await self.step(file, step)
        assert answer.status_code == 202, answer.text
        await self.kit.work()
        return await self.get(file)

    async def rows(self, file: dict[str, Any], **wanted: Any) -> list[dict[str, Any]]:
        answer = await self.client.get(f"{self.url}/{file['id']}/rows", params={"limit": 200, **wanted})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found
