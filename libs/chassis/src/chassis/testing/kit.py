"""A service under test: its real app on a real database and broker, driven step by step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI
from sqlalchemy import text

from chassis import clock
from chassis.app import Service, build_app, running
from chassis.db import transaction
from chassis.due import Scheduler
from chassis.ids import new_id
from chassis.outbox import seal
from chassis.relay import Relay
from chassis.runtime import Runtime
from chassis.settings import Environment, ServiceSettings
from chassis.testing.cluster import Cluster, Database
from chassis.testing.issuer import Issuer
from chassis.tokens import ADMIN_SCOPE, Jwks, TokenVerifier
from contracts.base import Envelope, Event
from contracts.catalogue import BY_TYPE
from contracts.members import CommunityCreated, CommunityRole, CommunityState, MembershipApproved, MembershipState


class Kit:
    """One running service. Nothing runs in the background: tests relay, deliver and do due work when they want it."""

    def __init__(self, service: Service, runtime: Runtime, app: FastAPI, database: Database, issuer: Issuer) -> None:
        self.service = service
        self.runtime = runtime
        self.app = app
        self.database = database
        self.issuer = issuer

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """Return a client of the service's API, with this token when one is given."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)

    def person(self, organization_id: UUID, account_id: UUID | None = None) -> httpx.AsyncClient:
        """Return a client of an account without any role in the organization."""
        return self.client(self.issuer.token(organization_id, account_id or new_id()))

    def staff(
        self, organization_id: UUID, account_id: UUID | None = None, *, scope: str = ADMIN_SCOPE
    ) -> httpx.AsyncClient:
        """Return a client of an admin (or by `scope` the owner) of the organization."""
        return self.client(self.issuer.token(organization_id, account_id or new_id(), scopes=(scope,)))

    def partner(self, organization_id: UUID, *scopes: str) -> httpx.AsyncClient:
        """Return a client of a partner's API client."""
        return self.client(self.issuer.token(organization_id, new_id(), scopes=scopes, client=True))

    async def events(self, *types: type[Event]) -> list[Envelope]:
        """Return the events in the outbox, oldest first; only those of `types` when any are named."""
        wanted = {event.type for event in types}
        async with self.runtime.worker_engine.connect() as connection:
            rows = await connection.execute(text("SELECT payload FROM outbox ORDER BY recorded_at, event_id"))
            envelopes = [Envelope.model_validate_json(payload) for payload in rows.scalars()]
        return [envelope for envelope in envelopes if not wanted or envelope.type in wanted]

    async def relay(self) -> int:
        """Publish everything that waits; return how many."""
        await self.runtime.bus.ensure_stream()
        relay = Relay(self.runtime.worker_engine, self.runtime.bus)
        total = 0
        while count := await relay.publish_some():
            total += count
        return total

    async def deliver(self, *envelopes: Envelope) -> int:
        """Hand events to every consumer that follows them, each in one transaction; return how many took effect."""
        applied = 0
        for consumer in self.runtime.consumers.values():
            mine = [one for one in envelopes if BY_TYPE[one.type].aggregate in consumer.aggregates]
            if mine:
                async with transaction(self.runtime.worker_engine) as session:
                    applied += await consumer.take(session, mine)
        return applied

    async def work(self) -> int:
        """Do everything that is due; return how many pieces there were."""
        scheduler = Scheduler(self.runtime.worker_engine, self.runtime.jobs)
        done = 0
        while await scheduler.work_one():
            done += 1
        return done

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:  # noqa: ANN401  any bound value
        """Run SQL as superuser, past row-level security: for looking, and for breaking things on purpose."""
        connection = await asyncpg.connect(self.database.superuser)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    async def community(
        self,
        organization_id: UUID,
        *,
        community_id: UUID | None = None,
        zone: str = "Asia/Shanghai",
        state: CommunityState = CommunityState.OPEN,
    ) -> UUID:
        """Let the service know of a community (services other than members); return its id."""
        identifier = community_id or new_id()
        event = CommunityCreated(community_id=identifier, slug=f"c-{identifier.hex[-12:]}", zone=zone, state=state)
        await self.deliver(envelope(event, organization_id, identifier, community_id=identifier))
        return identifier

    async def member(
        self,
        organization_id: UUID,
        community_id: UUID,
        account_id: UUID | None = None,
        *,
        roles: Sequence[CommunityRole] = (),
        staff: bool = False,
        bot: bool = False,
        state: MembershipState = MembershipState.APPROVED,
        version: int = 1,
    ) -> UUID:
        """Let the service know of a membership (services other than members); return the account's id."""
        account = account_id or new_id()
        event = MembershipApproved(
            membership_id=new_id(),
            community_id=community_id,
            account_id=account,
            state=state,
            roles=list(roles),
            staff=staff,
            bot=bot,
            joined_at=clock.now(),
        )
        await self.deliver(
            envelope(event, organization_id, event.membership_id, community_id=community_id, version=version)
        )
        return account


envelope = seal
"""An event as its owner would publish it."""


@asynccontextmanager
async def running_kit(service: Service, cluster: Cluster, **overrides: Any) -> AsyncIterator[Kit]:  # noqa: ANN401  settings
    """Run a service on a database of its own; `overrides` are settings. Tokens of the kit's issuer are accepted beside the service's own."""
    database = await cluster.fresh(service.name, service.migrations)
    issuer = Issuer()
    settings: ServiceSettings = service.settings(
        **{
            "env": Environment.TEST,
            "database_url": database.application,
            "worker_database_url": database.worker,
            "owner_database_url": database.owner,
            "nats_url": cluster.nats.url(service.name),
            "database_connections": 20,
            **overrides,
        }
    )
    async with running(service, settings) as opened:

        async def jwks() -> dict[str, Any]:
            own = await service.jwks(opened)() if service.jwks else {"keys": []}
            return {"keys": [*own["keys"], issuer.jwk()]}

        runtime = replace(opened, verifier=TokenVerifier(Jwks(jwks)))
        if service.on_start:
            await service.on_start(runtime)
        yield Kit(service, runtime, build_app(service, runtime), database, issuer)
    cluster.drop(database)
