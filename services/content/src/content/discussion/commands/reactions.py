"""Every write of reactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from content.discussion import policy, queries
from content.discussion.models import Reaction
from content.discussion.schemas import ReactionImports
from content.imports import ImportReport, Outcome, Reason, Tally
from content.posts import queries as posts
from content.posts.commands import check_may_edit, check_may_speak
from content.posts.imported.commands import AUTHOR_UNKNOWN
from contracts.base import Origin
from contracts.content import ReactionAdded, ReactionEvent, ReactionRemoved, SubjectKind

TOO_MANY = Reason("too-many-emojis", f"At most {policy.MOST_EMOJIS} emojis per person on one subject.")
SUBJECT_UNKNOWN = Reason("subject-unknown", "Nothing of this source was imported under this id.")
SUBJECT_DELETED = Reason("subject-deleted", "What it reacts to was deleted.")


async def add_reaction(session: Session, member: Standing, kind: SubjectKind, subject_id: UUID, emoji: str) -> Reaction:
    """React with an emoji; once more changes nothing. Raises Problem 404, 409 for an eleventh or where nothing new can be said."""
    subject_author = await queries.get_subject_author(session, member, kind, subject_id)
    check_may_speak(member)
    reaction = await _new_reaction(session, member, kind, subject_id, emoji)
    if reaction is None:
        reaction = await queries.lock_reaction(session, kind, subject_id, member.principal.account_id)
        change = policy.add(reaction.emojis, [emoji])
        if change.refused:
            raise Problem(409, TOO_MANY.code, TOO_MANY.detail)
        if not change.added:
            return reaction
        reaction.emojis, reaction.reacted_at = change.emojis, clock.now()
        reaction.version += 1
    event = ReactionAdded(
        reaction_id=reaction.id,
        community_id=reaction.community_id,
        account_id=reaction.account_id,
        subject_kind=kind,
        subject_id=subject_id,
        subject_author_id=subject_author,
        emoji=emoji,
        timed=True,
    )
    _emit(session, reaction, event)
    return reaction


async def _new_reaction(
    session: Session, member: Standing, kind: SubjectKind, subject_id: UUID, emoji: str
) -> Reaction | None:
    """Return the person's first reaction to the subject, None when there was one before."""
    rows = await session.scalars(
        insert(Reaction)
        .values(
            id=new_id(),
            organization_id=member.principal.organization_id,
            community_id=member.community_id,
            subject_kind=kind.value,
            subject_id=subject_id,
            account_id=member.principal.account_id,
            emojis=[emoji],
            imported=[],
            reacted_at=clock.now(),
            version=1,
        )
        .on_conflict_do_nothing()
        .returning(Reaction)
    )
    return rows.one_or_none()


async def remove_reaction(session: Session, member: Standing, kind: SubjectKind, subject_id: UUID, emoji: str) -> None:
    """Take an emoji back; when it is not there, nothing changes. Raises Problem 404, 409 in an archived community."""
    subject_author = await queries.get_subject_author(session, member, kind, subject_id)
    check_may_edit(member)
    reaction = await queries.find_reaction(session, kind, subject_id, member.principal.account_id)
    if reaction is None or emoji not in reaction.emojis:
        return
    reaction.emojis = [one for one in reaction.emojis if one != emoji]
    reaction.reacted_at = clock.now()
    reaction.version += 1
    event = ReactionRemoved(
        reaction_id=reaction.id,
        community_id=reaction.community_id,
        account_id=reaction.account_id,
        subject_kind=kind,
        subject_id=subject_id,
        subject_author_id=subject_author,
        emoji=emoji,
    )
    _emit(session, reaction, event)


def _emit(session: Session, reaction: Reaction, event: ReactionEvent) -> None:
    outbox.emit(
        session,
        event,
        organization_id=reaction.organization_id,
        aggregate_id=reaction.id,
        version=reaction.version,
        community_id=reaction.community_id,
        actor=reaction.account_id,
        occurred_at=reaction.reacted_at,
    )


@dataclass(slots=True)
class _Brought:
    """What a batch brings of one person to one subject: the places of each emoji in the batch, in its order."""

    subject: queries.ImportedSubject
    external_id: str
    account_id: UUID
    places: dict[str, list[int]] = field(default_factory=dict)

    @property
    def key(self) -> queries.ReactionKey:
        """The aggregate's key."""
        return self.subject.kind, self.subject.id, self.account_id


# In one order, so that two imports of the same items wait for each other in one direction only.
_INSERT = text("""
INSERT INTO reaction (id, organization_id, community_id, subject_kind, subject_id, account_id, emojis, imported, reacted_at, version)
SELECT id, :organization_id, :community_id, kind, subject, account, emojis, emojis, at, cardinality(emojis)
FROM (
    SELECT id, kind, subject, account, ARRAY(SELECT jsonb_array_elements_text(CAST(emojis AS jsonb))) AS emojis, at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:subjects AS uuid[]), CAST(:accounts AS uuid[]),
        CAST(:emojis AS text[]), CAST(:times AS timestamptz[])) AS item(id, kind, subject, account, emojis, at)
) AS item
ORDER BY subject, account, kind
ON CONFLICT (subject_id, account_id, subject_kind) DO NOTHING
RETURNING id, subject_kind, subject_id, account_id
""")


async def import_reactions(session: Session, member: Standing, batch: ReactionImports) -> ImportReport:
    """Bring reactions in, each once, at their subjects' times. Raises Problem 409 in an archived community."""
    check_may_edit(member)
    tally = Tally()
    brought = await _by_aggregate(session, member, batch, tally)
    created = await _insert(session, member, [one for one in brought.values() if not one.subject.deleted])
    for key, reaction_id in created.items():
        change = policy.add([], brought[key].places)
        _note(tally, brought[key], reaction_id, change)
        _tell_imported(session, member, brought[key], reaction_id, change.added, version=len(change.added))
    present = await queries.lock_reactions(session, brought.keys() - created.keys())
    for key in brought.keys() - created.keys():
        reaction = present.get(key)
        if reaction is None:  # not created and not there: its subject was deleted before
            for emoji in brought[key].places:
                _reject(tally, brought[key], emoji, SUBJECT_DELETED)
        else:
            _merge(session, member, tally, brought[key], reaction)
    return tally.report()


async def _by_aggregate(
    session: Session, member: Standing, batch: ReactionImports, tally: Tally
) -> dict[queries.ReactionKey, _Brought]:
    """Gather the acceptable items of a batch by subject and account, and reject the others."""
    items = tally.sift(batch.items)
    place = (session, member.community_id)
    subjects = await queries.find_imported_subjects(*place, batch.source, (one.external_id for one in items.values()))
    authors = await posts.find_accounts(*place, (one.author_id for one in items.values()))
    brought: dict[queries.ReactionKey, _Brought] = {}
    for index, item in items.items():
        subject = subjects.get(item.external_id)
        if subject is None:
            tally.reject(index, item.external_id, SUBJECT_UNKNOWN)
        elif item.author_id not in authors:
            tally.reject(index, item.external_id, AUTHOR_UNKNOWN)
        else:
            one = _Brought(subject, item.external_id, item.author_id)
            brought.setdefault(one.key, one).places.setdefault(item.emoji, []).append(index)
    return brought


async def _insert(session: Session, member: Standing, brought: Sequence[_Brought]) -> dict[queries.ReactionKey, UUID]:
    """Insert the reactions that are not there; return the ids of what was inserted."""
    if not brought:
        return {}
    rows = await session.execute(
        _INSERT,
        {
            "organization_id": member.principal.organization_id,
            "community_id": member.community_id,
            "ids": [new_id() for _ in brought],
            "kinds": [one.subject.kind.value for one in brought],
            "subjects": [one.subject.id for one in brought],
            "accounts": [one.account_id for one in brought],
            "emojis": [orjson.dumps(policy.add([], one.places).emojis).decode() for one in brought],
            "times": [one.subject.said_at for one in brought],
        },
    )
    return {(SubjectKind(row.subject_kind), row.subject_id, row.account_id): row.id for row in rows}


def _merge(session: Session, member: Standing, tally: Tally, one: _Brought, reaction: Reaction) -> None:
    """Add what is new to a reaction that was there before; nothing when what it reacts to was deleted."""
    wanted = list(one.places)
    if one.subject.deleted:
        known = {*reaction.emojis, *reaction.imported}
        _note(tally, one, reaction.id, policy.Added(reaction.emojis, [], []))
        for emoji in wanted:
            if emoji not in known:
                _reject(tally, one, emoji, SUBJECT_DELETED)
        return
    change = policy.bring(reaction.emojis, reaction.imported, wanted)
    _note(tally, one, reaction.id, change)
    settled = [emoji for emoji in wanted if emoji not in change.refused]
    if not {*settled} <= {*reaction.imported}:
        reaction.imported = list(dict.fromkeys([*reaction.imported, *settled]))
    if change.added:
        reaction.emojis = change.emojis
        reaction.version += len(change.added)
        _tell_imported(session, member, one, reaction.id, change.added, version=reaction.version)


def _note(tally: Tally, one: _Brought, reaction_id: UUID, change: policy.Added) -> None:
    for emoji, places in one.places.items():
        if emoji in change.refused:
            _reject(tally, one, emoji, TOO_MANY)
            continue
        for index in places:
            first = emoji in change.added and index == places[0]
            tally.accept(index, one.external_id, reaction_id, Outcome.CREATED if first else Outcome.EXISTING)


def _reject(tally: Tally, one: _Brought, emoji: str, reason: Reason) -> None:
    for index in one.places[emoji]:
        tally.reject(index, one.external_id, reason)


def _tell_imported(
    session: Session, member: Standing, one: _Brought, reaction_id: UUID, added: list[str], *, version: int
) -> None:
    """Emit one event per added emoji; `version` is the reaction's after the last of them."""
    for step, emoji in enumerate(added, version - len(added) + 1):
        outbox.emit(
            session,
            ReactionAdded(
                reaction_id=reaction_id,
                community_id=member.community_id,
                account_id=one.account_id,
                subject_kind=one.subject.kind,
                subject_id=one.subject.id,
                subject_author_id=one.subject.author_id,
                emoji=emoji,
                timed=False,
            ),
            organization_id=member.principal.organization_id,
            aggregate_id=reaction_id,
            version=step,
            community_id=member.community_id,
            actor=member.principal.account_id,
            occurred_at=one.subject.said_at,
            origin=Origin.IMPORT,
        )
