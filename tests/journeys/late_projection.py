"""Engagement as it might be next month: the same service with one projection more, which has never heard of anything.

Run like the service itself: `python -m tests.journeys.late_projection worker`.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text

from chassis.app import main
from chassis.db import Session
from chassis.inbox import Consumers, Mode, Received
from chassis.schema import Roles, tenant_table
from contracts.content import CommentPublished, PostPublished
from contracts.members import MEMBERSHIP_EVENTS, MembershipEvent
from engagement.app import service

consumers = Consumers("words")

TABLES = [
    """CREATE TABLE word (
        event_id uuid PRIMARY KEY, organization_id uuid NOT NULL, account_id uuid NOT NULL, kind text NOT NULL,
        origin text NOT NULL, said_at timestamptz NOT NULL)""",
    """CREATE TABLE speaker (
        membership_id uuid PRIMARY KEY, organization_id uuid NOT NULL, state text NOT NULL, version bigint NOT NULL)""",
]


def migration(roles: Roles) -> str:
    """Return the SQL of the projection's tables."""
    statements = [*TABLES, *tenant_table("word", roles), *tenant_table("speaker", roles)]
    return "".join(f"{statement};\n" for statement in statements)


@consumers.on(PostPublished, CommentPublished, mode=Mode.EACH)
async def on_word(session: Session, events: list[Received[PostPublished | CommentPublished]]) -> None:
    """Note each word once; twice would break the key, on purpose."""
    await session.execute(
        text("INSERT INTO word VALUES (:event_id, :organization_id, :account_id, :kind, :origin, :said_at)"),
        [
            {
                "event_id": one.envelope.id,
                "organization_id": one.envelope.organization,
                "account_id": one.event.author_id,
                "kind": one.event.aggregate,
                "origin": one.envelope.origin.value,
                "said_at": one.envelope.time,
            }
            for one in events
        ],
    )


@consumers.on(*MEMBERSHIP_EVENTS, mode=Mode.LATEST)
async def on_membership(session: Session, events: list[Received[MembershipEvent]]) -> None:
    """Keep each membership's newest state."""
    await session.execute(
        text(
            "INSERT INTO speaker VALUES (:membership_id, :organization_id, :state, :version) "
            "ON CONFLICT (membership_id) DO UPDATE SET state = EXCLUDED.state, version = EXCLUDED.version"
        ),
        [
            {
                "membership_id": one.event.membership_id,
                "organization_id": one.envelope.organization,
                "state": one.event.state.value,
                "version": one.envelope.aggregateversion,
            }
            for one in events
        ],
    )


@consumers.clears
async def clear(session: Session) -> None:
    """Forget the tenant's words and speakers."""
    await session.execute(text("DELETE FROM word"))
    await session.execute(text("DELETE FROM speaker"))


if __name__ == "__main__":
    main(replace(service, consumers=[*service.consumers, consumers]))
