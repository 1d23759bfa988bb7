"""Writing down what people agreed to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.tokens import Principal
from contracts.members import ClientBasis, ConsentChanged, ConsentPurpose
from members.accounts import queries as accounts
from members.accounts.clients import queries as clients
from members.accounts.models import Account
from members.privacy.consents import policy, queries
from members.privacy.consents.models import Consent, ConsentRecord
from members.privacy.consents.policy import Decision, Outcome, Source
from members.privacy.consents.schemas import ConsentDecide


@dataclass(frozen=True, slots=True)
class Claim:
    """What a partner tells of a person's decision: its own number for it, and by what it can be shown."""

    client_id: UUID
    version: int | None
    evidence: str | None


async def decide(session: Session, principal: Principal, purpose: ConsentPurpose, body: ConsentDecide) -> Account:
    """Let a person decide for themselves; return their account. Raises Problem 404, 422 for a partner that needs no consent."""
    await _check_partner(session, purpose, body.client_id)
    account = await accounts.lock_account(session, principal.account_id)
    told = Decision(body.granted, clock.now(), Source.PERSON)
    await record(session, account, purpose, body.client_id, told)
    return account


async def _check_partner(session: Session, purpose: ConsentPurpose, client_id: UUID | None) -> None:
    if (purpose is ConsentPurpose.PARTNER) != (client_id is not None):
        detail = "Name the partner." if client_id is None else "Only the purpose partner has one."
        raise invalid("/client_id", "partner-missing" if client_id is None else "partner-unexpected", detail)
    if client_id is None:
        return
    client = await clients.find_client(session, client_id)
    if client is None:
        raise invalid("/client_id", "unknown", "There is no such partner.")
    if client.basis is not ClientBasis.CONSENT:
        raise invalid("/client_id", "no-consent-needed", "It acts for the brand, and not by consent.")


async def record(
    session: Session,
    account: Account,
    purpose: ConsentPurpose,
    client_id: UUID | None,
    told: Decision,
    claim: Claim | None = None,
) -> Outcome:
    """Write down a decision about an account, whose row is locked, and let it be in force when it counts.

    Raises Problem 409 when a partner told another decision as the same version.
    """
    consent = await queries.find_locked(session, account.id, purpose, client_id)
    if consent is not None and claim is not None and claim.version is not None:
        before = await queries.find_told(session, consent.id, claim.client_id, claim.version)
        if before is not None:
            return _repeated(before, told, claim)
    outcome = policy.judge(_known(consent), told)
    if outcome is Outcome.UNCHANGED and told.source is Source.PERSON:
        return outcome
    if outcome is Outcome.APPLIED:
        consent = await _apply(session, account, purpose, client_id, consent, told)
        actor = claim.client_id if claim else account.id
        _tell(session, consent, actor)
    assert consent is not None  # noqa: S101  without one every decision is applied
    session.add(_record(consent, told, outcome, claim))
    return outcome


def _known(consent: Consent | None) -> Decision | None:
    return None if consent is None else Decision(consent.granted, consent.decided_at, Source(consent.source))


def _repeated(before: ConsentRecord, told: Decision, claim: Claim) -> Outcome:
    if before.source_version != claim.version:
        return Outcome.STALE
    if (before.granted, before.decided_at, before.evidence) != (told.granted, told.decided_at, claim.evidence):
        raise Problem(409, "version-reused", "This version was told before, and said something else.")
    return Outcome(before.outcome)


async def _apply(
    session: Session,
    account: Account,
    purpose: ConsentPurpose,
    client_id: UUID | None,
    consent: Consent | None,
    told: Decision,
) -> Consent:
    if consent is None:
        consent = Consent(
            id=new_id(),
            organization_id=account.organization_id,
            account_id=account.id,
            purpose=purpose,
            client_id=client_id,
            granted=told.granted,
            decided_at=told.decided_at,
            source=told.source,
        )
        session.add(consent)
        await session.flush()
        return consent
    consent.granted, consent.decided_at, consent.source = told.granted, told.decided_at, told.source
    consent.version += 1
    return consent


def _record(
    consent: Consent, told: Decision, outcome: Outcome, claim: Claim | None, merged: UUID | None = None
) -> ConsentRecord:
    return ConsentRecord(
        id=new_id(),
        organization_id=consent.organization_id,
        consent_id=consent.id,
        granted=told.granted,
        decided_at=told.decided_at,
        source=told.source,
        source_client_id=claim.client_id if claim else None,
        source_version=claim.version if claim else None,
        evidence=claim.evidence if claim else None,
        outcome=outcome,
        merged_account_id=merged,
        recorded_at=clock.now(),
    )


def _tell(session: Session, consent: Consent, actor: UUID | None) -> None:
    outbox.emit(
        session,
        ConsentChanged(
            account_id=consent.account_id,
            purpose=consent.purpose,
            client_id=consent.client_id,
            granted=consent.granted,
            decided_at=consent.decided_at,
        ),
        organization_id=consent.organization_id,
        aggregate_id=consent.id,
        version=consent.version,
        actor=actor,
    )


async def hand_over(session: Session, merged_account_id: UUID) -> None:
    """After a merge, let what the merged account decided count for the living one too. Doing so again changes nothing.

    What was told of the merged account stays under it as it was.
    """
    account = await accounts.find_living_locked(session, merged_account_id)
    if account is None or account.id == merged_account_id:
        return
    for gone in await queries.list_of_account(session, merged_account_id):
        comes = Decision(gone.granted, gone.decided_at, Source(gone.source))
        consent = await queries.find_locked(session, account.id, gone.purpose, gone.client_id)
        if not policy.merge(_known(consent), comes):
            continue
        consent = await _apply(session, account, gone.purpose, gone.client_id, consent, comes)
        _tell(session, consent, None)
        last = await queries.get_last_applied(session, gone.id)
        claim = Claim(last.source_client_id, last.source_version, None) if last.source_client_id else None
        session.add(_record(consent, comes, Outcome.APPLIED, claim, merged_account_id))
        await session.flush()


_ERASE = text("""
UPDATE consent SET granted = false, version = version + 1
WHERE granted AND account_id IN (SELECT id FROM account WHERE id = :account_id OR merged_into = :account_id)
RETURNING *
""")
_FORGET = text("""
UPDATE consent_record SET evidence = NULL FROM consent
WHERE consent.id = consent_record.consent_id AND evidence IS NOT NULL
    AND consent.account_id IN (SELECT id FROM account WHERE id = :account_id OR merged_into = :account_id)
""")


async def erase(session: Session, account_id: UUID) -> None:
    """Let an erased person agree to nothing any more, and destroy what shows by whom they were; that they decided stays, under the id."""
    rows = await session.execute(_ERASE, {"account_id": account_id})
    for row in rows.mappings().all():
        _tell(session, Consent(**row), None)
    await session.execute(_FORGET, {"account_id": account_id})
