"""An organization with two partners, as tests of endpoints need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from chassis.auth import WEBHOOKS_SCOPE
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.members import ClientBasis, ClientChanged

URL = "https://crm.example.com/hooks"


@dataclass
class Town:
    """An organization, and two of its partners' API clients."""

    kit: Kit
    organization: UUID = field(default_factory=new_id)
    client: UUID = field(default_factory=new_id)
    other: UUID = field(default_factory=new_id)

    @property
    def staff(self) -> httpx.AsyncClient:
        """An admin."""
        return self.kit.staff(self.organization)

    def program(self, client_id: UUID | None = None, *scopes: str) -> httpx.AsyncClient:
        """A partner's program, the first when none is named; it may manage its endpoints when no scopes are named."""
        issued = self.kit.issuer.token(
            self.organization, client_id or self.client, scopes=scopes or (WEBHOOKS_SCOPE,), client=True
        )
        return self.kit.client(issued)

    async def tell(
        self, client_id: UUID, version: int = 1, *, active: bool = True, basis: ClientBasis = ClientBasis.PROCESSOR
    ) -> None:
        """Let members tell of an API client."""
        event = ClientChanged(client_id=client_id, active=active, scopes=[WEBHOOKS_SCOPE], basis=basis)
        await self.kit.deliver(envelope(event, self.organization, client_id, version=version))

    async def endpoint(self, **fields: Any) -> dict[str, Any]:
        """Put an endpoint of the first partner up."""
        answer = await self.program().post("/v1/endpoints", json={"url": URL, **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


async def found(kit: Kit) -> Town:
    """Let an organization have two partners."""
    town = Town(kit)
    await town.tell(town.client)
    await town.tell(town.other)
    return town


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    """Where and how a refused request was wrong."""
    assert answer.status_code == 422, answer.text
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
