"""Consumers: what a noun does when an event arrives, once per event, in the transaction of its effect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import clock
from chassis.db import Session, enter_tenant, transaction
from contracts.base import SUBJECT_PREFIX, Envelope, Event
from contracts.catalogue import BY_TYPE

E = TypeVar("E", bound=Event)


class Mode(StrEnum):
    """How a handler takes versions: the newest state only, or every fact in any order."""

    LATEST = "latest"
    EACH = "each"


@dataclass(frozen=True)
class Received(Generic[E]):
    """An event with its envelope."""

    event: E
    envelope: Envelope


Handler = Callable[[Session, list[Received[Any]]], Awaitable[None]]
Clear = Callable[[Session], Awaitable[None]]


@dataclass(frozen=True)
class _Subscription:
    events: frozenset[str]
    mode: Mode
    handle: Handler


class Consumers:
    """The events that one noun consumes. It has one durable consumer on each stream that it listens to."""

    def __init__(self, name: str, *, waits_for_unknown: bool = False) -> None:
        """Make the consumers of a noun.

        Some must miss nothing, not even events of types that a newer release brings. With `waits_for_unknown` they are sent all that the
        owners tell, and what this process does not know is left in the stream until a newer one takes it; without, it is passed over.
        """
        self.name = name
        self.waits_for_unknown = waits_for_unknown
        self._by_type: dict[str, _Subscription] = {}
        self._clear: Clear | None = None

    def on(
        self, *events: type[E], mode: Mode
    ) -> Callable[
        [Callable[[Session, list[Received[E]]], Awaitable[None]]],
        Callable[[Session, list[Received[E]]], Awaitable[None]],
    ]:
        """Register a handler for one tenant's events of these types at a time, in the order of the stream.

        With `latest`, of each aggregate only the newest version is handed over, and never one older than was handled before.
        With `each`, every event is, once, in whatever order they arrive. The handler writes in the given session and does not commit.
        """

        def register(
            handle: Callable[[Session, list[Received[E]]], Awaitable[None]],
        ) -> Callable[[Session, list[Received[E]]], Awaitable[None]]:
            subscription = _Subscription(frozenset(event.type for event in events), mode, cast("Handler", handle))
            for event in events:
                if event.type in self._by_type:
                    raise ValueError(f"{self.name} handles {event.type} twice")
                self._by_type[event.type] = subscription
            return handle

        return register

    def clears(self, clear: Clear) -> Clear:
        """Register what empties the projection for the session's tenant, before a backfill."""
        self._clear = clear
        return clear

    @property
    def types(self) -> list[str]:
        """Every event type with a handler."""
        return sorted(self._by_type)

    @property
    def aggregates(self) -> set[str]:
        """The aggregate types that this consumer follows."""
        return {BY_TYPE[event].aggregate for event in self._by_type}

    @property
    def services(self) -> set[str]:
        """The owners of the events."""
        return {event.partition(".")[0] for event in self._by_type}

    def subjects(self, service: str) -> list[str]:
        """Return the filter on a service's stream: whole aggregates, so that positions advance with every version.

        Those who wait for the unknown follow all of it: an aggregate that is added later would be passed over before its time.
        """
        if self.waits_for_unknown:
            return [f"{SUBJECT_PREFIX}.{service}.>"]
        return sorted(
            {
                f"{SUBJECT_PREFIX}.{service}.{event.split('.')[1]}.>"
                for event in self._by_type
                if event.startswith(f"{service}.")
            }
        )

    def is_unknown(self, envelope: Envelope) -> bool:
        """Whether an event is to wait for a process that knows its type."""
        return self.waits_for_unknown and envelope.type not in BY_TYPE

    async def take(self, session: Session, envelopes: Sequence[Envelope]) -> int:
        """Apply the events that were not applied before, with their inbox rows, in the session's transaction; return how many were new.

        Raises LookupError for a type that nobody here knows, when the consumers wait for those.
        """
        for envelope in envelopes:
            if self.is_unknown(envelope):
                raise LookupError(f"{envelope.type} is not known to this release")
        fresh_ids = await _claim(session, self.name, envelopes)
        fresh = [envelope for envelope in _without_twins(envelopes) if envelope.id in fresh_ids]
        newest = await _advance(session, self.name, fresh)
        for subscription, group in _by_subscription(self._by_type, fresh):
            wanted = [
                e for e in group if subscription.mode is Mode.EACH or newest.get((e.aggregate, e.aggregateid)) == e.id
            ]
            for organization, events in groupby(
                sorted(wanted, key=lambda e: e.organization), key=lambda e: e.organization
            ):
                await enter_tenant(session, organization)
                await subscription.handle(session, [Received(BY_TYPE[e.type].read(e.data), e) for e in events])
                await session.flush()
        return len(fresh)

    async def clear(self, engine: AsyncEngine) -> None:
        """Empty the projection of every tenant together with its inbox rows. Raises LookupError when it cannot be emptied."""
        if self._clear is None:
            raise LookupError(f"{self.name} has no projection to clear")
        async with transaction(engine) as session:
            organizations = await session.execute(
                text("SELECT DISTINCT organization_id FROM inbox WHERE consumer = :consumer"), {"consumer": self.name}
            )
            for organization in organizations.scalars().all():
                await enter_tenant(session, organization)
                await self._clear(session)
            for table in ("inbox", "projection_position", "handler_attempt", "dead_letter"):
                await session.execute(text(f"DELETE FROM {table} WHERE consumer = :consumer"), {"consumer": self.name})


def _without_twins(envelopes: Iterable[Envelope]) -> list[Envelope]:
    return list({envelope.id: envelope for envelope in envelopes}.values())


def _by_subscription(
    by_type: dict[str, _Subscription], envelopes: list[Envelope]
) -> list[tuple[_Subscription, list[Envelope]]]:
    """Split into runs of one handler, keeping the order of the stream between handlers."""
    known = [envelope for envelope in envelopes if envelope.type in by_type]
    return [
        (by_type[run[0].type], run)
        for _, group in groupby(known, key=lambda e: id(by_type[e.type]))
        if (run := list(group))
    ]


async def _claim(session: Session, consumer: str, envelopes: Sequence[Envelope]) -> set[UUID]:
    # Sorted, so that two batches that share events cannot wait for each other in a circle.
    envelopes = sorted(_without_twins(envelopes), key=lambda e: e.id)
    result = await session.execute(
        text("""
            INSERT INTO inbox (consumer, event_id, organization_id, received_at)
            SELECT :consumer, event_id, organization_id, :now
            FROM unnest(CAST(:ids AS uuid[]), CAST(:organizations AS uuid[])) AS arrived(event_id, organization_id)
            ON CONFLICT DO NOTHING RETURNING event_id
        """),
        {
            "consumer": consumer,
            "now": clock.now(),
            "ids": [e.id for e in envelopes],
            "organizations": [e.organization for e in envelopes],
        },
    )
    return set(result.scalars().all())


async def _advance(session: Session, consumer: str, envelopes: list[Envelope]) -> dict[tuple[str, UUID], UUID]:
    """Move the positions forward; return, per aggregate that moved, the id of the event that moved it."""
    newest: dict[tuple[str, UUID], Envelope] = {}
    for envelope in envelopes:
        key = (envelope.aggregate, envelope.aggregateid)
        if key not in newest or newest[key].aggregateversion < envelope.aggregateversion:
            newest[key] = envelope
    if not newest:
        return {}
    rows = sorted(newest.values(), key=lambda e: (e.aggregateid, e.aggregate))
    result = await session.execute(
        text("""
            INSERT INTO projection_position AS position (consumer, aggregate_id, aggregate_type, organization_id, version)
            SELECT :consumer, aggregate_id, aggregate_type, organization_id, version
            FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:organizations AS uuid[]), CAST(:versions AS bigint[]))
                AS arrived(aggregate_id, aggregate_type, organization_id, version)
            ON CONFLICT (consumer, aggregate_id, aggregate_type) DO UPDATE SET version = EXCLUDED.version
            WHERE position.version < EXCLUDED.version
            RETURNING aggregate_type, aggregate_id
        """),
        {
            "consumer": consumer,
            "ids": [e.aggregateid for e in rows],
            "types": [e.aggregate for e in rows],
            "organizations": [e.organization for e in rows],
            "versions": [e.aggregateversion for e in rows],
        },
    )
    return {
        (row.aggregate_type, row.aggregate_id): newest[row.aggregate_type, row.aggregate_id].id for row in result.all()
    }
