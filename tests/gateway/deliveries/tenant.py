"""An organization whose partner is told things."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

import asyncpg
import httpx

from chassis import clock
from chassis.auth import WEBHOOKS_SCOPE
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.base import Envelope, Origin
from contracts.content import PostPublished
from contracts.members import ClientBasis, ClientChanged

_MANY = """
WITH made AS (
    INSERT INTO endpoint (id, organization_id, client_id, url, event_types, community_ids, ordering, enabled, created_at, created_by,
        updated_at, version)
    SELECT id, $2, $3, 'https://crm.example.com/hooks', $4, $5, $6, true, $7, $3, $7, 1 FROM unnest($1::uuid[]) AS id
    RETURNING id, organization_id
) INSERT INTO lane (endpoint_id, organization_id) SELECT id, organization_id FROM made
"""


@dataclass
class Tenant:
    """An organization and the API client of its partner."""

    kit: Kit
    organization: UUID = field(default_factory=new_id)
    client: UUID = field(default_factory=new_id)
    community: UUID = field(default_factory=new_id)

    @classmethod
    async def founded(cls, kit: Kit) -> Self:
        tenant = cls(kit)
        await tenant.partner(tenant.client)
        return tenant

    @property
    def staff(self) -> httpx.AsyncClient:
        return self.kit.staff(self.organization)

    def program(self, client: UUID | None = None, *scopes: str) -> httpx.AsyncClient:
        """A partner's program, the tenant's own when none is named."""
        issued = self.kit.issuer.token(
            self.organization, client or self.client, scopes=scopes or (WEBHOOKS_SCOPE,), client=True
        )
        return self.kit.client(issued)

    async def partner(
        self, client: UUID, basis: ClientBasis = ClientBasis.PROCESSOR, *, version: int = 1, active: bool = True
    ) -> None:
        """Let members tell of an API client."""
        event = ClientChanged(client_id=client, active=active, scopes=[WEBHOOKS_SCOPE], basis=basis)
        await self.kit.deliver(envelope(event, self.organization, client, version=version))

    async def endpoints(
        self,
        count: int = 1,
        *,
        types: tuple[str, ...] = (),
        communities: tuple[UUID, ...] = (),
        ordering: str = "parallel",
        client: UUID | None = None,
    ) -> list[UUID]:
        """Put endpoints up, all alike; return their ids."""
        ids = [new_id() for _ in range(count)]
        arguments = (list(types), list(communities), ordering, clock.now())
        await self.kit.sql(_MANY, ids, self.organization, client or self.client, *arguments)
        return ids

    async def endpoint(self, **wanted: Any) -> UUID:
        """Put one endpoint up."""
        return (await self.endpoints(**wanted))[0]

    def published(self, author: UUID | None = None, *, origin: Origin = Origin.LIVE) -> Envelope:
        """A post that was published."""
        post = new_id()
        event = PostPublished(
            post_id=post, community_id=self.community, author_id=author or new_id(), section="general"
        )
        return envelope(event, self.organization, post, community_id=self.community, origin=origin)

    async def deliveries(self, endpoint: UUID | None = None) -> list[asyncpg.Record]:
        """Every delivery, of one endpoint when one is named, in the order in which they go out."""
        return await self.kit.sql(
            "SELECT * FROM delivery WHERE organization_id = $1 AND ($2::uuid IS NULL OR endpoint_id = $2) ORDER BY due_at, event_id",
            self.organization,
            endpoint,
        )

    async def messages(self) -> list[UUID]:
        """Which events were written down."""
        rows = await self.kit.sql("SELECT event_id FROM message WHERE organization_id = $1", self.organization)
        return [row["event_id"] for row in rows]
