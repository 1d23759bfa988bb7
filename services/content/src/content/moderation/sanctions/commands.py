"""Every write of sanctions, tiers and verified phones as members tells of them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock, due
from chassis.db import Session
from contracts.members import PhoneVerificationChanged, SanctionEnded, SanctionEvent, TierEvent

OVER_KIND = "moderation.sanction_over"

_KEEP = text("""
INSERT INTO sanction (sanction_id, organization_id, community_id, account_id, kind, clause_code, clause_text, from_at, until, ended)
VALUES (:sanction_id, :organization_id, :community_id, :account_id, :kind, :clause, CAST(:clause_text AS jsonb), :from_at, :until, :ended)
ON CONFLICT (sanction_id) DO UPDATE SET kind = EXCLUDED.kind, clause_code = EXCLUDED.clause_code,
    clause_text = EXCLUDED.clause_text, from_at = EXCLUDED.from_at, until = EXCLUDED.until, ended = EXCLUDED.ended
""")


async def keep_sanction(session: Session, organization_id: UUID, event: SanctionEvent) -> None:
    """Keep a mute or suspension, in force with this transaction, and have it end by itself."""
    over = isinstance(event, SanctionEnded) or (event.until is not None and event.until <= clock.now())
    await session.execute(
        _KEEP,
        {
            **event.model_dump(exclude={"clause_text", "kind"}),
            "kind": event.kind.value,
            "clause_text": orjson.dumps(event.clause_text).decode(),
            "organization_id": organization_id,
            "ended": over,
        },
    )
    if event.until is not None and not over:
        await due.schedule(session, organization_id, OVER_KIND, str(event.sanction_id), event.until)


async def end_sanction(session: Session, sanction_id: UUID) -> None:
    """End a sanction whose time has passed; one that was prolonged meanwhile goes on."""
    await session.execute(
        text("UPDATE sanction SET ended = true WHERE sanction_id = :id AND until <= :now"),
        {"id": sanction_id, "now": clock.now()},
    )


async def keep_tier(session: Session, organization_id: UUID, event: TierEvent) -> None:
    """Keep which tier a member is in."""
    place = {"community_id": event.community_id, "account_id": event.account_id}
    if event.to_tier is None:
        await session.execute(
            text("DELETE FROM member_tier WHERE community_id = :community_id AND account_id = :account_id"), place
        )
        return
    await session.execute(
        text("""
            INSERT INTO member_tier (community_id, account_id, organization_id, tier)
            VALUES (:community_id, :account_id, :organization_id, :tier)
            ON CONFLICT (community_id, account_id) DO UPDATE SET tier = EXCLUDED.tier
        """),
        {**place, "organization_id": organization_id, "tier": event.to_tier},
    )


async def keep_phone(session: Session, organization_id: UUID, event: PhoneVerificationChanged) -> None:
    """Keep whether an account has a verified phone."""
    if event.verified:
        await session.execute(
            text("""
                INSERT INTO verified_phone (account_id, organization_id) VALUES (:account_id, :organization_id)
                ON CONFLICT (account_id) DO NOTHING
            """),
            {"account_id": event.account_id, "organization_id": organization_id},
        )
    else:
        await session.execute(
            text("DELETE FROM verified_phone WHERE account_id = :account_id"), {"account_id": event.account_id}
        )


async def forget(session: Session, tables: Iterable[str] = ("sanction", "member_tier", "verified_phone")) -> None:
    """Forget what members told of the tenant."""
    for table in tables:
        await session.execute(text(f"DELETE FROM {table}"))
