"""Every write of compliance."""

from __future__ import annotations

from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock, due, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import invalid
from chassis.ids import new_id
from chassis.requests import ADDRESS, check_version
from chassis.tokens import Principal
from content.moderation.compliance import queries, sealing
from content.moderation.compliance.models import ModerationPolicy, PublicationLogOpening
from content.moderation.compliance.policy import CALLBACK, NO_CHECKER, Profile, destroyed_at
from content.moderation.compliance.schemas import (
    ModerationPolicyPut,
    Publication,
    PublicationLogOpen,
    PublicationLogOut,
)
from content.moderation.external.checkers import CHECKERS
from contracts.content import ModerationPolicyChanged, PublicationLogOpened, SubjectKind

DESTROY_KIND = "moderation.destroy_log"
MOST_DESTROYED = 2000
"""In one transaction: who publishes meanwhile waits for it."""
MOST_OPENED = 1000


async def put_policy(
    session: Session, member: Standing, expected: int, wanted: ModerationPolicyPut
) -> ModerationPolicy:
    """Decide how a community publishes. Raises Problem 412, 422 for a checker that is not installed."""
    if wanted.checker not in {NO_CHECKER, CALLBACK, *CHECKERS}:
        raise invalid("/checker", "checker-unknown", "No such checker is installed here.")
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('moderation policy:' || CAST(:id AS text), 0))"),
        {"id": str(member.community_id)},
    )
    found = await queries.find_policy(session, member.community_id, locked=True)
    check_version(expected, 0 if found is None else found.version)
    values = wanted.model_dump(mode="json")
    values["checker_clause_text"] = values["checker_clause_text"] or {}
    if found is None:
        found = ModerationPolicy(
            community_id=member.community_id, organization_id=member.principal.organization_id, version=0, **values
        )
        session.add(found)
    elif all(getattr(found, name) == value for name, value in values.items()):
        return found
    for name, value in values.items():
        setattr(found, name, value)
    found.version += 1
    await session.flush()
    outbox.emit(
        session,
        ModerationPolicyChanged(community_id=found.community_id, profile=found.profile, checker=found.checker),
        organization_id=found.organization_id,
        aggregate_id=found.community_id,
        version=found.version,
        community_id=found.community_id,
        actor=member.principal.account_id,
    )
    return found


async def log_publication(
    session: Session,
    profile: Profile,
    *,
    organization_id: UUID,
    community_id: UUID,
    account_id: UUID,
    published_by: UUID | None,
    kind: SubjectKind,
    subject_id: UUID,
) -> None:
    """Keep who publishes what from where, sealed, for as long as the profile asks; nothing when it does not."""
    now = clock.now()
    destroy_at = destroyed_at(profile, now)
    if destroy_at is None:
        return
    identifier = new_id()
    entry = Publication(
        account_id=account_id,
        published_by=published_by,
        subject_kind=kind,
        subject_id=subject_id,
        published_at=now,
        address=session.info.get(ADDRESS),
    )
    sealed = sealing.seal().close(
        orjson.dumps(entry.model_dump(mode="json")), sealing.place(organization_id, identifier)
    )
    await session.execute(
        text("""
            INSERT INTO publication_log (id, organization_id, community_id, sealed, published_at, destroy_at)
            VALUES (:id, :organization_id, :community_id, :sealed, :now, :destroy_at)
        """),
        {
            "id": identifier,
            "organization_id": organization_id,
            "community_id": community_id,
            "sealed": sealed,
            "now": now,
            "destroy_at": destroy_at,
        },
    )
    await due.schedule(session, organization_id, DESTROY_KIND, "all", destroy_at, keep=True)


async def open_log(
    session: Session, owner: Principal, community_id: UUID, wanted: PublicationLogOpen
) -> PublicationLogOut:
    """Open a stretch of the log, and keep who did and why. Raises Problem 404."""
    await queries.check_community(session, community_id)
    opening = PublicationLogOpening(
        id=new_id(),
        organization_id=owner.organization_id,
        community_id=community_id,
        opened_by=owner.account_id,
        opened_at=clock.now(),
        **wanted.model_dump(),
    )
    session.add(opening)
    await session.flush()
    outbox.emit(
        session,
        PublicationLogOpened(
            opening_id=opening.id, community_id=community_id, from_at=opening.from_at, until=opening.until
        ),
        organization_id=owner.organization_id,
        aggregate_id=opening.id,
        version=1,
        community_id=community_id,
        actor=owner.account_id,
    )
    rows = await queries.list_sealed(session, community_id, wanted.from_at, wanted.until, MOST_OPENED + 1)
    opened = [
        sealing.seal().open(bytes(row.sealed), sealing.place(owner.organization_id, row.id))
        for row in rows[:MOST_OPENED]
    ]
    return PublicationLogOut(
        opening_id=opening.id,
        publications=[Publication.model_validate_json(one) for one in opened if one is not None],
        complete=len(rows) <= MOST_OPENED,
        unreadable=sum(one is None for one in opened),
    )


_DESTROY = text("""
DELETE FROM publication_log WHERE id = ANY(ARRAY(
    SELECT id FROM publication_log WHERE organization_id = :id AND destroy_at <= :now ORDER BY destroy_at LIMIT :most))
""")


async def destroy_log(session: Session, organization_id: UUID) -> None:
    """Destroy a batch of the tenant's entries whose time has come, and come back when the next one's does."""
    now = clock.now()
    await session.execute(_DESTROY, {"id": organization_id, "now": now, "most": MOST_DESTROYED})
    following = (await session.execute(text("SELECT min(destroy_at) FROM publication_log"))).scalar_one()
    if following is not None:
        await due.schedule(session, organization_id, DESTROY_KIND, "all", max(following, now), keep=True)
