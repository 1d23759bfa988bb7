"""What tests of media do with uploads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from chassis.db import transaction
from chassis.testing.kit import Kit
from content.media.uses import commands as uses


@dataclass
class Uploads:
    """Begins, sends and finishes uploads."""

    kit: Kit

    async def begin(
        self, client: httpx.AsyncClient, size: int, kind: str = "image", name: str = "a.jpg"
    ) -> dict[str, Any]:
        answer = await client.post("/v1/media", json={"kind": kind, "name": name, "size": size})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def send(self, client: httpx.AsyncClient, media: str, data: bytes, offset: int = 0) -> httpx.Response:
        headers = {"Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
        return await client.put(f"/v1/media/{media}/content", content=data, headers=headers)

    async def try_whole(
        self, client: httpx.AsyncClient, data: bytes, kind: str = "image", name: str = "a.jpg"
    ) -> httpx.Response:
        media = await self.begin(client, len(data), kind, name)
        sent = await self.send(client, media["id"], data)
        assert sent.status_code == 200, sent.text
        return await client.post(f"/v1/media/{media['id']}/complete")

    async def whole(
        self, client: httpx.AsyncClient, data: bytes, kind: str = "image", name: str = "a.jpg"
    ) -> dict[str, Any]:
        answer = await self.try_whole(client, data, kind, name)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def read(self, media: dict[str, Any], variant: str = "original", **headers: str) -> httpx.Response:
        """Read at the signed address, without any token."""
        return await self.kit.client().get(media["variants"][variant]["url"], headers=headers)

    async def put_into(
        self, organization: UUID, account: UUID, kind: str, subject: str, *media: dict[str, Any]
    ) -> None:
        async with transaction(self.kit.runtime.engine, organization) as session:
            ids = [UUID(one["id"]) for one in media]
            await uses.use(session, organization, account, kind, UUID(subject), ids)

    async def take_from(self, organization: UUID, kind: str, subject: str) -> None:
        async with transaction(self.kit.runtime.engine, organization) as session:
            await uses.release(session, kind, [UUID(subject)])


def objects(store: Path, media: dict[str, Any]) -> list[Path]:
    """Every file that the store has of an upload."""
    return sorted(path for path in store.rglob("*") if path.is_file() and media["id"] in path.parts)
