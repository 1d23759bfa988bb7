"""Brands and people for tests of accounts, made over HTTP like anyone's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from chassis.ids import new_id
from chassis.testing.kit import Kit

PASSWORD = "correct horse battery"
OWNER = "owner@demo.example"


@dataclass
class Brand:
    kit: Kit
    id: UUID
    slug: str
    owner_id: UUID

    async def sign_in(self, email: str = OWNER, password: str = PASSWORD, **headers: str) -> httpx.Response:
        body = {"organization": self.slug, "email": email, "password": password}
        return await self.kit.client().post("/v1/sessions", json=body, headers=headers)

    async def owner(self) -> httpx.AsyncClient:
        return self.kit.client((await self.sign_in()).json()["access_token"])

    async def register(self, email: str = "lin@demo.example", name: str = "Lin Yue 林悦") -> dict[str, Any]:
        body = {"organization": self.slug, "email": email, "password": PASSWORD, "display_name": name}
        answer = await self.kit.client().post("/v1/accounts", json=body)
        assert answer.status_code == 201, answer.text
        account: dict[str, Any] = answer.json()
        return account

    async def person(self, email: str = "lin@demo.example") -> tuple[dict[str, Any], httpx.AsyncClient]:
        account = await self.register(email)
        session = await self.sign_in(email)
        assert session.status_code == 201, session.text
        return account, self.kit.client(session.json()["access_token"])


async def found(kit: Kit) -> Brand:
    slug = f"b-{new_id().hex[-16:]}"
    owner = {"email": OWNER, "password": PASSWORD, "display_name": "Wang Fang 王芳"}
    answer = await kit.client().post("/v1/organizations", json={"name": "Demo", "slug": slug, "owner": owner})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return Brand(kit, UUID(body["id"]), slug, UUID(body["owner_account_id"]))


def code(answer: httpx.Response) -> str:
    """Return the problem's code, after looking that it is one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    kind: str = answer.json()["type"]
    return kind.removeprefix("urn:hearth:problem:")


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
