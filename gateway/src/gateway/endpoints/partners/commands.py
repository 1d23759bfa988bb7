"""Every write of what the gateway knows of partners, of those who agreed to them, and of communities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due
from chassis.db import Session
from contracts.members import ClientChanged

FORGET = "endpoints.forget_consents"
"""The work of destroying what an erased person agreed to once more; its key is the account."""
AGAIN_AFTER = timedelta(minutes=15)
"""Members withdraws what an erased person agreed to, and tells of it; by then that has arrived, in whichever order."""

# Sorted, here and below, so that two batches that share rows cannot wait for each other.
_PARTNERS = text("""
INSERT INTO partner (client_id, organization_id, active, scopes, basis)
SELECT client_id, :organization_id, active, string_to_array(scopes, ' '), basis
FROM unnest(CAST(:clients AS uuid[]), CAST(:active AS boolean[]), CAST(:scopes AS text[]), CAST(:bases AS text[]))
    AS told(client_id, active, scopes, basis) ORDER BY client_id
ON CONFLICT (client_id) DO UPDATE SET active = EXCLUDED.active, scopes = EXCLUDED.scopes, basis = EXCLUDED.basis
""")
_CONSENTS = text("""
INSERT INTO partner_consent (client_id, account_id, organization_id, granted)
SELECT client_id, account_id, :organization_id, granted
FROM unnest(CAST(:clients AS uuid[]), CAST(:accounts AS uuid[]), CAST(:granted AS boolean[]))
    AS told(client_id, account_id, granted) ORDER BY client_id, account_id
ON CONFLICT (client_id, account_id) DO UPDATE SET granted = EXCLUDED.granted
""")
# Of two accounts of one person one may have agreed and the other not: then they have not. Members tells anew when they decide again.
_MERGE = text("""
INSERT INTO partner_consent (client_id, account_id, organization_id, granted)
SELECT client_id, :account_id, organization_id, granted FROM partner_consent WHERE account_id = :merged_id ORDER BY client_id
ON CONFLICT (client_id, account_id) DO UPDATE SET granted = partner_consent.granted AND EXCLUDED.granted
""")
_SURVIVOR = text("SELECT survivor_id FROM partner_merged WHERE account_id = :account_id")
_MERGE_CHAIN = text("UPDATE partner_merged SET survivor_id = :account_id WHERE survivor_id = :merged_id")
_MERGE_NAMES = text("""
INSERT INTO partner_merged (account_id, organization_id, survivor_id) VALUES (:merged_id, :organization_id, :account_id)
ON CONFLICT (account_id) DO UPDATE SET survivor_id = EXCLUDED.survivor_id
""")
_FORGET = text("DELETE FROM partner_consent WHERE account_id = ANY(:accounts)")
_FORGET_NAMES = text("DELETE FROM partner_merged WHERE survivor_id = ANY(:accounts)")
_COMMUNITIES = text("""
INSERT INTO community (id, organization_id)
SELECT id, :organization_id FROM unnest(CAST(:ids AS uuid[])) AS told(id) ORDER BY id ON CONFLICT DO NOTHING
""")


async def note_partners(session: Session, organization_id: UUID, told: Sequence[ClientChanged]) -> None:
    """Remember API clients as members told of them, each once."""
    await session.execute(
        _PARTNERS,
        {
            "organization_id": organization_id,
            "clients": [one.client_id for one in told],
            "active": [one.active for one in told],
            "scopes": [" ".join(one.scopes) for one in told],
            "bases": [one.basis.value for one in told],
        },
    )


async def note_consents(session: Session, organization_id: UUID, told: Mapping[tuple[UUID, UUID], bool]) -> None:
    """Remember who agreed to be told of to a partner, by (client, account)."""
    if told:
        await session.execute(
            _CONSENTS,
            {
                "organization_id": organization_id,
                "clients": [client_id for client_id, _ in told],
                "accounts": [account_id for _, account_id in told],
                "granted": list(told.values()),
            },
        )


async def merge(session: Session, organization_id: UUID, account_id: UUID, merged_id: UUID) -> None:
    """Let an account have the consents of another that became one with it, and stand for it in what names the other still."""
    # The one that lives on may have become one with a third, though its merge is heard first.
    survivor = (await session.execute(_SURVIVOR, {"account_id": account_id})).scalar_one_or_none()
    accounts = {"account_id": survivor or account_id, "merged_id": merged_id}
    await session.execute(_MERGE_CHAIN, accounts)
    await session.execute(_MERGE_NAMES, {**accounts, "organization_id": organization_id})
    await session.execute(_MERGE, accounts)
    await forget(session, [merged_id])


async def forget(session: Session, account_ids: Sequence[UUID]) -> None:
    """Destroy what people agreed to."""
    await session.execute(_FORGET, {"accounts": list(account_ids)})


async def erase(session: Session, organization_id: UUID, account_ids: Sequence[UUID]) -> None:
    """Destroy what erased people agreed to, now and once more when nothing of it can be under way."""
    await forget(session, account_ids)
    await session.execute(_FORGET_NAMES, {"accounts": list(account_ids)})
    at = clock.now() + AGAIN_AFTER
    await due.schedule_many(session, organization_id, FORGET, [(str(one), at) for one in set(account_ids)])


async def note_communities(session: Session, organization_id: UUID, community_ids: Sequence[UUID]) -> None:
    """Remember which communities there are."""
    await session.execute(_COMMUNITIES, {"organization_id": organization_id, "ids": list(community_ids)})
