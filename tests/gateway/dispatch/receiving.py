"""What delivers and what is delivered to, driven step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import orjson
from starlette.types import Receive, Scope, Send
from tests.gateway.servers import PATIENCE, serving

from chassis import clock
from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit
from gateway import signing
from gateway.deliveries.dispatch.jobs import Dispatcher
from gateway.endpoints import sealing
from gateway.lanes import commands as lanes
from gateway.partner_settings import settings_of
from gateway.posting import Poster
from gateway.vault import vault_of

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Received:
    """One webhook as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> UUID:
        return UUID(self.headers["webhook-id"])


async def _fine(_received: Received) -> Answer:
    return 204, {}, b""


@dataclass
class Receiver:
    """Keeps what comes; `answer` decides what it says to it."""

    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received], Awaitable[Answer]] = _fine
    url: str = ""
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @classmethod
    @asynccontextmanager
    async def serving(cls) -> AsyncIterator[Self]:
        receiver = cls()
        async with serving(receiver) as port:
            receiver.url = f"http://127.0.0.1:{port}"
            yield receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        received = Received(scope["path"], headers, body)
        self.received.append(received)
        async with self._came:
            self._came.notify_all()
        status, fields, text = await self.answer(received)
        raw = [(name.encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": text})

    async def until(self, condition: Callable[[list[Received]], bool]) -> None:
        """Wait until what came fulfils the condition."""
        async with asyncio.timeout(PATIENCE), self._came:
            await self._came.wait_for(lambda: condition(self.received))

    def says(self, *statuses: int, **headers: str) -> None:
        """Answer with these statuses in turn, the last again and again."""
        left = list(statuses)

        async def answer(_received: Received) -> Answer:
            return (left.pop(0) if len(left) > 1 else left[0]), headers, b""

        self.answer = answer


class Town:
    """One tenant, its partner and its endpoints."""

    def __init__(self, kit: Kit, receiver: Receiver) -> None:
        self.kit = kit
        self.receiver = receiver
        self.organization = new_id()
        self.client = new_id()
        self._known = False

    async def partner(self, basis: str = "processor") -> UUID:
        """Have a partner; return its client's id."""
        client = new_id()
        await self.kit.sql(
            "INSERT INTO partner (client_id, organization_id, active, scopes, basis) VALUES ($1, $2, true, '{}', $3)",
            client,
            self.organization,
            basis,
        )
        return client

    async def endpoint(
        self,
        path: str = "/hook",
        *,
        client: UUID | None = None,
        ordering: str = "parallel",
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Have an endpoint at a path of the receiver; return its id and its secret."""
        identifier, secret, now = new_id(), signing.make_secret(), clock.now()
        vault = vault_of(self.kit.runtime)
        await self.kit.sql(
            "INSERT INTO endpoint (id, organization_id, client_id, url, event_types, community_ids, ordering, headers, enabled, "
            "created_at, created_by, updated_at, version) VALUES ($1, $2, $3, $4, '{}', '{}', $5, $6, true, $7, $3, $7, 1)",
            identifier,
            self.organization,
            client or await self.partner(),
            f"{self.receiver.url}{path}",
            ordering,
            sealing.seal_headers(vault, identifier, headers or {}),
            now,
        )
        await self.key(identifier, secret)
        async with transaction(self.kit.runtime.worker_engine, self.organization) as session:
            await lanes.make(session, self.organization, identifier)
        return {"id": str(identifier), "secret": secret}

    async def key(self, endpoint: UUID, secret: str, *, expires_at: datetime | None = None) -> None:
        """Have an endpoint sign by one more key."""
        public = None if secret.startswith("whsec_") else signing.public_key(secret)
        await self.kit.sql(
            "INSERT INTO endpoint_secret (id, organization_id, endpoint_id, scheme, sealed, public_key, created_at, expires_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            new_id(),
            self.organization,
            endpoint,
            "v1" if public is None else "v1a",
            sealing.seal_secret(vault_of(self.kit.runtime), endpoint, secret),
            public,
            clock.now(),
            expires_at,
        )

    async def message(
        self, *endpoints: str, persons: list[UUID] | None = None, organization: UUID | None = None, text: str = ""
    ) -> UUID:
        """Have an event for these endpoints due now, as fan-out writes it; return its id."""
        event, now = new_id(), clock.now()
        tenant = organization or self.organization
        payload = orjson.dumps({"type": "content.post.published.v1", "timestamp": now, "data": {"text": text}}).decode()
        await self.kit.sql(
            "INSERT INTO message (event_id, organization_id, type, occurred_at, payload, persons, personal, created_at) "
            "VALUES ($1, $2, 'content.post.published.v1', $3, $4, $5, $6, $3)",
            event,
            tenant,
            now,
            payload,
            persons or [],
            bool(persons),
        )
        for endpoint in endpoints:
            await self.kit.sql(
                "INSERT INTO delivery (endpoint_id, event_id, organization_id, type, state, due_at, created_at) "
                "VALUES ($1, $2, $3, 'content.post.published.v1', 'pending', $4, $4)",
                UUID(endpoint),
                event,
                tenant,
                now,
            )
        await self.wake(*endpoints)
        return event

    async def messages(self, endpoint: str, count: int) -> list[UUID]:
        """Have so many events for an endpoint due now; return their ids."""
        rows = await self.kit.sql(
            "INSERT INTO message (event_id, organization_id, type, occurred_at, payload, persons, personal, created_at) "
            "SELECT uuidv7(), $1, 'content.post.published.v1', $2, '{}', '{}', false, $2 FROM generate_series(1, $3) RETURNING event_id",
            self.organization,
            clock.now(),
            count,
        )
        await self.kit.sql(
            "INSERT INTO delivery (endpoint_id, event_id, organization_id, type, state, due_at, created_at) "
            "SELECT $1, unnest($2::uuid[]), $3, 'content.post.published.v1', 'pending', $4, $4",
            UUID(endpoint),
            [row["event_id"] for row in rows],
            self.organization,
            clock.now(),
        )
        await self.wake(endpoint)
        return [row["event_id"] for row in rows]

    async def wake(self, *endpoints: str) -> None:
        """Say that something is due for these endpoints."""
        async with transaction(self.kit.runtime.worker_engine, self.organization) as session:
            await lanes.wake(session, [UUID(endpoint) for endpoint in endpoints], clock.now())

    async def replay(self, endpoint: dict[str, Any], event: UUID) -> None:
        """Ask for an event to be told again."""
        asked = await self.kit.staff(self.organization).post(
            f"/v1/endpoints/{endpoint['id']}/replays", json={"event_id": str(event)}
        )
        assert asked.status_code == 202, asked.text

    async def delivery(self, endpoint: dict[str, Any], event: UUID) -> dict[str, Any]:
        """Return the row of a delivery."""
        rows = await self.kit.sql(
            "SELECT * FROM delivery WHERE endpoint_id = $1 AND event_id = $2", UUID(endpoint["id"]), event
        )
        return dict(rows[0])

    async def attempts(self, endpoint: dict[str, Any], event: UUID) -> list[dict[str, Any]]:
        """Return the attempts of a delivery in order."""
        rows = await self.kit.sql(
            "SELECT * FROM attempt WHERE endpoint_id = $1 AND event_id = $2 ORDER BY number",
            UUID(endpoint["id"]),
            event,
        )
        return [dict(row) for row in rows]

    async def until(self, statement: str, *arguments: Any) -> None:
        """Wait until a statement answers true."""
        async with asyncio.timeout(PATIENCE):
            while not (await self.kit.sql(statement, *arguments))[0][0]:  # noqa: ASYNC110  the database tells nobody
                await asyncio.sleep(0.01)

    async def settled(self, endpoint: dict[str, Any], event: UUID) -> dict[str, Any]:
        """Wait until a delivery is settled; return its row."""
        await self.until(
            "SELECT state <> 'pending' FROM delivery WHERE endpoint_id = $1 AND event_id = $2",
            UUID(endpoint["id"]),
            event,
        )
        return await self.delivery(endpoint, event)

    async def tried(self, endpoint: dict[str, Any], event: UUID, times: int) -> dict[str, Any]:
        """Wait until so many attempts are written down and the lane is given back; return the delivery's row."""
        await self.until(
            "SELECT (SELECT attempts FROM delivery WHERE endpoint_id = $1 AND event_id = $2) >= $3 "
            "AND (SELECT holder IS NULL FROM lane WHERE endpoint_id = $1)",
            UUID(endpoint["id"]),
            event,
            times,
        )
        return await self.delivery(endpoint, event)


@asynccontextmanager
async def dispatching(kit: Kit, **settings: Any) -> AsyncIterator[Dispatcher]:
    """Run a dispatcher; leaving stops it in order."""
    own = settings_of(kit.runtime).model_copy(update=settings)
    async with Poster(own.networks) as poster:
        dispatcher = Dispatcher(kit.runtime.worker_engine, vault_of(kit.runtime), own, poster)
        stopping = asyncio.Event()
        running = asyncio.create_task(dispatcher.run(stopping))
        try:
            yield dispatcher
        finally:
            stopping.set()
            await running
