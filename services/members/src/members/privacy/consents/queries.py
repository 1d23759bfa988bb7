"""Reading consents."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from chassis.db import Session
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import ConsentPurpose
from members.privacy.consents.models import Consent, ConsentRecord
from members.privacy.consents.policy import Outcome
from members.privacy.consents.schemas import ConsentOut, ConsentRecordOut, ConsentsOut

_LIST = text("""
WITH asked AS (
    SELECT purpose, place, NULL::uuid AS client_id, NULL::text AS partner, '{}'::jsonb AS shared
    FROM unnest(CAST(:purposes AS text[])) WITH ORDINALITY AS plain(purpose, place)
    UNION ALL
    SELECT 'partner', 0, client.id, client.name, client.shared FROM client
    WHERE (client.deleted_at IS NULL AND client.basis = 'consent')
        OR EXISTS (SELECT FROM consent WHERE consent.account_id = :account_id AND consent.client_id = client.id)
)
SELECT asked.*, consent.granted, consent.decided_at, consent.source
FROM asked LEFT JOIN consent ON consent.account_id = :account_id AND consent.purpose = asked.purpose
    AND consent.client_id IS NOT DISTINCT FROM asked.client_id
ORDER BY asked.place, asked.client_id
""")
_RECORDS = text("""
SELECT record.*, consent.purpose, consent.client_id FROM consent_record AS record JOIN consent ON consent.id = record.consent_id
WHERE consent.account_id = :account_id AND (CAST(:after AS uuid) IS NULL OR record.id < :after)
ORDER BY record.id DESC LIMIT :limit
""")


async def of_account(session: Session, account_id: UUID, *, own: bool) -> ConsentsOut:
    """Return where a person stands with every purpose, and every partner that needs consent or has been decided about."""
    plain = [purpose.value for purpose in ConsentPurpose if purpose is not ConsentPurpose.PARTNER]
    rows = await session.execute(_LIST, {"account_id": account_id, "purposes": plain})
    can = ["decide"] if own else []
    return ConsentsOut(data=[ConsentOut.model_validate({**row, "can": can}) for row in rows.mappings()])


async def list_records(
    session: Session, account_id: UUID, cursors: Cursors, scope: str, *, limit: int, cursor: str | None
) -> Page[ConsentRecordOut]:
    """Return the decisions about one account, newest first; `scope` names the list and its tenant."""
    after = cursors.decode(scope, cursor)
    bound = {"account_id": account_id, "after": UUID(after[0]) if after else None, "limit": limit + 1}
    rows = (await session.execute(_RECORDS, bound)).mappings().all()
    page = rows[:limit]
    return Page[ConsentRecordOut](
        data=[ConsentRecordOut.model_validate({**row}) for row in page],
        next_cursor=cursors.following(scope, rows, limit, lambda row: row["id"]),
    )


async def has_consented(session: Session, account_id: UUID, client_id: UUID) -> bool:
    """Tell whether a person agreed that this partner gets their personal data."""
    wanted = select(Consent.granted).where(Consent.account_id == account_id, Consent.client_id == client_id)
    return bool((await session.scalars(wanted)).one_or_none())


async def find_locked(
    session: Session, account_id: UUID, purpose: ConsentPurpose, client_id: UUID | None
) -> Consent | None:
    """Return where a person stands, locked for a change. The account's row is locked before, so that two cannot both find nothing."""
    wanted = select(Consent).where(
        Consent.account_id == account_id,
        col(Consent.purpose) == purpose,
        col(Consent.client_id).is_not_distinct_from(client_id),
    )
    found = await session.scalars(wanted.with_for_update(), execution_options={"populate_existing": True})
    return found.one_or_none()


async def list_of_account(session: Session, account_id: UUID) -> list[Consent]:
    """Return everything that a person decided, in one order for everybody."""
    wanted = select(Consent).where(Consent.account_id == account_id).order_by(col(Consent.id)).with_for_update()
    return list((await session.scalars(wanted, execution_options={"populate_existing": True})).all())


async def find_told(session: Session, consent_id: UUID, client_id: UUID, version: int) -> ConsentRecord | None:
    """Return what a partner told as this version, or else something newer; None when this is news."""
    wanted = select(ConsentRecord).where(
        ConsentRecord.consent_id == consent_id,
        ConsentRecord.source_client_id == client_id,
        col(ConsentRecord.source_version) >= version,
        col(ConsentRecord.merged_account_id).is_(None),
    )
    return (await session.scalars(wanted.order_by(col(ConsentRecord.source_version)).limit(1))).one_or_none()


async def get_last_applied(session: Session, consent_id: UUID) -> ConsentRecord:
    """Return the record of the decision that is in force: every consent has come by one."""
    wanted = select(ConsentRecord).where(
        ConsentRecord.consent_id == consent_id, col(ConsentRecord.outcome) == Outcome.APPLIED
    )
    return (await session.scalars(wanted.order_by(col(ConsentRecord.id).desc()).limit(1))).one()
