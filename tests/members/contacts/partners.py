"""Partners of an organization, for tests of contacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from tests.members.town import Town

SCOPES = ("contacts:write", "members:read")


@dataclass
class Partner:
    """A partner's client, and its program."""

    id: UUID
    http: httpx.AsyncClient

    async def put(self, external_id: str = "C-1", *, version: int = 1, **contact: Any) -> httpx.Response:
        return await self.http.put(f"/v1/contacts/{external_id}", json={"version": version, **contact})

    async def known(self, external_id: str = "C-1", *, version: int = 1, **contact: Any) -> dict[str, Any]:
        answer = await self.put(external_id, version=version, **contact)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def get(self, external_id: str = "C-1") -> httpx.Response:
        return await self.http.get(f"/v1/contacts/{external_id}")

    async def delete(self, external_id: str = "C-1", version: int | None = None) -> httpx.Response:
        query = {} if version is None else {"version": version}
        return await self.http.delete(f"/v1/contacts/{external_id}", params=query)

    async def tag(self, community: str, external_id: str = "C-1", *, version: int = 1, **tags: Any) -> httpx.Response:
        url = f"/v1/contacts/{external_id}/tags/{community}"
        return await self.http.put(url, json={"version": version, **tags})

    async def tell(
        self, purpose: str = "sms", external_id: str = "C-1", *, version: int = 1, **decision: Any
    ) -> httpx.Response:
        url = f"/v1/contacts/{external_id}/consents/{purpose}"
        return await self.http.put(url, json={"version": version, **decision})


async def partner(town: Town, basis: str = "processor", *scopes: str, **more: Any) -> Partner:
    """Let staff make a client, and its program sign in."""
    scopes = scopes or SCOPES
    answer = await town.owner.post("/v1/clients", json={"name": "CRM", "scopes": scopes, "basis": basis, **more})
    assert answer.status_code == 201, answer.text
    client_id = UUID(answer.json()["id"])
    return Partner(client_id, with_scopes(town, client_id, *scopes))


def with_scopes(town: Town, client_id: UUID, *scopes: str) -> httpx.AsyncClient:
    """The client's program with a token of these scopes."""
    return town.kit.client(town.kit.issuer.token(town.organization, client_id, scopes=scopes, client=True))


async def identity(town: Town, account: UUID, provider: str, subject: str) -> None:
    """Let an account be known by an address or a number."""
    await town.kit.sql(
        "INSERT INTO identity (organization_id, provider, subject, account_id, created_at) VALUES ($1, $2, $3, $4, now())",
        town.organization,
        provider,
        subject,
        account,
    )


async def credential(town: Town, account: UUID) -> None:
    """Let an account be one that somebody signs in to."""
    await town.kit.sql(
        "INSERT INTO credential (account_id, organization_id, hash, changed_at) VALUES ($1, $2, '$argon2id$x', now())",
        account,
        town.organization,
    )
