"""Tagging members."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text

from chassis import outbox
from chassis.db import Session
from chassis.errors import Fault, Problem, not_found
from contracts.base import Origin
from contracts.members import MembershipState, MembershipTagsChanged
from members.memberships.models import Membership
from members.memberships.tags import queries
from members.memberships.tags.policy import MOST_PER_MEMBER

_ADD = text("""
INSERT INTO membership_tag (organization_id, community_id, account_id, tag)
SELECT organization_id, community_id, account_id, :tag FROM membership
WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY account_id
ON CONFLICT DO NOTHING RETURNING account_id
""")
_ADD_EACH = text("""
INSERT INTO membership_tag (organization_id, community_id, account_id, tag)
SELECT membership.organization_id, :community_id, wanted.account_id, wanted.tag
FROM unnest(CAST(:accounts AS uuid[]), CAST(:tags AS text[])) AS wanted(account_id, tag)
JOIN membership ON membership.community_id = :community_id AND membership.account_id = wanted.account_id
ORDER BY wanted.account_id, wanted.tag
ON CONFLICT DO NOTHING RETURNING account_id
""")
_TAKE = text("""
DELETE FROM membership_tag AS held USING membership
WHERE membership.id = ANY(CAST(:ids AS uuid[])) AND held.community_id = membership.community_id
    AND held.account_id = membership.account_id AND held.tag = :tag
RETURNING held.account_id
""")
_TAKE_EACH = text("""
DELETE FROM membership_tag WHERE community_id = :community_id AND account_id = :account_id AND tag = ANY(CAST(:tags AS text[]))
RETURNING tag
""")
_ADVANCE = text("""
UPDATE membership SET tags_version = tags_version + 1
WHERE community_id = :community_id AND account_id = ANY(CAST(:accounts AS uuid[]))
RETURNING id, organization_id, account_id, tags_version
""")
_FULL = text("""
SELECT account_id FROM membership_tag WHERE community_id = :community_id AND account_id = ANY(CAST(:accounts AS uuid[]))
GROUP BY account_id HAVING count(*) > :most
""")


_HAND_OVER = text("""
WITH moved AS (
    DELETE FROM membership_tag WHERE community_id = :community_id AND account_id = :gone RETURNING *
), come AS (
    INSERT INTO membership_tag (organization_id, community_id, account_id, tag)
    SELECT organization_id, community_id, CAST(:living AS uuid), tag FROM moved ORDER BY tag
    ON CONFLICT DO NOTHING RETURNING account_id
)
SELECT account_id FROM moved UNION SELECT account_id FROM come
""")


async def tag(
    session: Session, community_id: UUID, tag_: str, membership_ids: Collection[UUID], actor: UUID | None
) -> int:
    """Tag memberships, all or none; return how many did not have the tag. Raises Problem 404 for one that the community has not, 409."""
    wanted = list(dict.fromkeys(membership_ids))
    known = await queries.lock_memberships(session, community_id, wanted)
    faults = [
        Fault(f"/membership_ids/{place}", "unknown", "The community has no such membership.")
        for place, membership in enumerate(wanted)
        if membership not in known
    ]
    if faults:
        if len(wanted) == 1:
            raise not_found("membership")
        raise Problem(422, "invalid", "Nobody was tagged: some memberships do not exist here.", errors=faults[:50])
    ended = [
        Fault(f"/membership_ids/{place}", "membership-ended", "Who does not belong gets no tags.")
        for place, membership in enumerate(wanted)
        if known[membership][1] not in {MembershipState.APPROVED, MembershipState.APPLIED}
    ]
    if ended:
        raise Problem(409, "membership-ended", "Only members and applicants are tagged.", errors=ended[:50])
    found = await session.execute(_ADD, {"tag": tag_, "ids": wanted})
    fresh = list(found.scalars())
    over = await session.execute(_FULL, {"community_id": community_id, "accounts": fresh, "most": MOST_PER_MEMBER})
    if over.first() is not None:
        raise Problem(409, "too-many-tags", f"A member has at most {MOST_PER_MEMBER} tags.")
    await _tell(session, community_id, fresh, actor)
    return len(fresh)


async def add(
    session: Session,
    community_id: UUID,
    given: Sequence[tuple[UUID, str]],
    actor: UUID | None,
    *,
    origin: Origin = Origin.LIVE,
) -> None:
    """Give accounts, which have memberships and room for it, tags of their own; each is told of once. Tags are clean already."""
    if not given:
        return
    accounts, tags = zip(*given, strict=True)
    found = await session.execute(
        _ADD_EACH, {"community_id": community_id, "accounts": list(accounts), "tags": list(tags)}
    )
    await _tell(session, community_id, sorted(set(found.scalars())), actor, origin)


async def fill(session: Session, membership: Membership, tags: Collection[str]) -> list[str]:
    """Give a membership, whose row is locked, these tags as far as there is room; return those that it did not have. Tags are clean."""
    held = set((await queries.of_membership(session, membership.community_id, membership.id)).tags)
    fresh = sorted(set(tags) - held)[: max(MOST_PER_MEMBER - len(held), 0)]
    await add(session, membership.community_id, [(membership.account_id, one) for one in fresh], None)
    return fresh


async def change(
    session: Session,
    community_id: UUID,
    membership_id: UUID,
    *,
    add: Collection[str],
    remove: Collection[str],
    actor: UUID | None,
) -> tuple[int, int]:
    """Give a membership tags and take others off it; return how many of each that was, told of once. Tags are clean already.

    Raises Problem 404, 409 for tags to who does not belong, or too many.
    """
    known = await queries.lock_memberships(session, community_id, [membership_id])
    if membership_id not in known:
        raise not_found("membership")
    account_id, state = known[membership_id]
    if add and state not in {MembershipState.APPROVED, MembershipState.APPLIED}:
        raise Problem(409, "membership-ended", "Only members and applicants are tagged.")
    whose = {"community_id": community_id, "account_id": account_id}
    taken = await session.execute(_TAKE_EACH, {**whose, "tags": list(remove)})
    removed = len(taken.all())
    wanted = sorted(set(add))
    given = {"community_id": community_id, "accounts": [account_id] * len(wanted), "tags": wanted}
    added = len((await session.execute(_ADD_EACH, given)).all())
    full = {"community_id": community_id, "accounts": [account_id] if added else [], "most": MOST_PER_MEMBER}
    if (await session.execute(_FULL, full)).first() is not None:
        raise Problem(409, "too-many-tags", f"A member has at most {MOST_PER_MEMBER} tags.")
    await _tell(session, community_id, [account_id] if added or removed else [], actor)
    return added, removed


async def untag(session: Session, community_id: UUID, tag_: str, membership_id: UUID, actor: UUID | None) -> None:
    """Take a tag off a membership; nothing happens when it is not there. Raises Problem 404."""
    if not await queries.lock_memberships(session, community_id, [membership_id]):
        raise not_found("membership")
    found = await session.execute(_TAKE, {"tag": tag_, "ids": [membership_id]})
    await _tell(session, community_id, list(found.scalars()), actor)


async def hand_over(session: Session, merged_account_id: UUID, account_id: UUID) -> None:
    """After a merge, let the living account have the merged one's tags wherever it has a membership. Doing so again changes nothing.

    Nothing that was said of a person is lost, though both together may have more tags than one could be given.
    """
    parties = {"gone": merged_account_id, "living": account_id}
    rows = await session.execute(
        text("""
            SELECT community_id FROM membership WHERE account_id = :living AND community_id IN (
                SELECT community_id FROM membership_tag WHERE account_id = :gone) ORDER BY id FOR UPDATE
        """),
        parties,
    )
    for community_id in rows.scalars().all():
        bound = {**parties, "community_id": community_id}
        moved = await session.execute(_HAND_OVER, bound)
        await _tell(session, community_id, list(moved.scalars()), None)


async def _tell(
    session: Session, community_id: UUID, accounts: list[UUID], actor: UUID | None, origin: Origin = Origin.LIVE
) -> None:
    if not accounts:
        return
    rows = await session.execute(_ADVANCE, {"community_id": community_id, "accounts": accounts})
    for row in rows:
        outbox.emit(
            session,
            MembershipTagsChanged(membership_id=row.id, community_id=community_id, account_id=row.account_id),
            organization_id=row.organization_id,
            aggregate_id=row.id,
            version=row.tags_version,
            community_id=community_id,
            actor=actor,
            origin=origin,
        )
