"""Looking at the rows of a file and taking them: a dry run and an import are the same steps, with and without effect."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock
from chassis.db import Session
from contracts.base import Origin
from contracts.members import CommunityState
from members.accounts import queries as account_queries
from members.accounts.commands import import_accounts
from members.accounts.policy import Contact, ImportedAccount, Provider
from members.memberships.files import queries
from members.memberships.files.models import MemberFile
from members.memberships.files.policy import (
    RUNNING,
    ColumnMap,
    Decision,
    FileState,
    Outcome,
    Person,
    decide,
    judge,
)
from members.memberships.files.schemas import MemberFileMap
from members.memberships.imports import commands as imports
from members.memberships.imports.policy import Arrival
from members.memberships.tags import commands as tags
from members.memberships.tags.policy import MOST_PER_MEMBER
from members.reasons import Reason

ROWS_AT_ONCE = 1000


async def advance(session: Session, file_id: UUID) -> bool:
    """Look at the next rows, and take them when that is asked; return whether more wait. Locked: rows are taken once, by whomever."""
    file = await queries.find_file(session, file_id)
    if file is None or file.state not in RUNNING:
        return False
    state, zone = await queries.place_of(session, file.community_id)
    if state is CommunityState.ARCHIVED:
        file.state, file.reason, file.finished_at = FileState.CANCELLED, "community-archived", clock.now()
        file.version += 1
        return False
    rows = await queries.waiting_rows(session, file, ROWS_AT_ONCE)
    mapping = _mapping(file)
    now, width = clock.now(), len(file.columns)
    said = {number: judge(cells, width, mapping, now=now, zone=zone) for number, cells in rows}
    people = {number: one for number, one in said.items() if isinstance(one, Person)}
    decisions = {
        number: Decision(Outcome.REJECT, reason=one) for number, one in said.items() if isinstance(one, Reason)
    }
    accounts = await _decide(session, file, people, decisions)
    if file.state == FileState.IMPORTING:
        accounts = await _take(session, file, people, decisions, accounts)
    await _record(session, file, decisions, accounts)
    return _progress(file, rows, decisions)


def _mapping(file: MemberFile) -> ColumnMap:
    body = MemberFileMap.model_validate(file.mapping)
    return ColumnMap({one.column: one.field for one in body.columns}, tuple(body.tags), body.source)


def _contacts(person: Person) -> tuple[Contact, ...]:
    known = (
        (Provider.IMPORT, person.external_id),
        (Provider.EMAIL, person.email),
        (Provider.PHONE, person.phone),
    )
    return tuple(Contact(provider, subject) for provider, subject in known if subject is not None)


async def _decide(
    session: Session, file: MemberFile, people: Mapping[int, Person], decisions: dict[int, Decision]
) -> dict[int, UUID]:
    """Decide about each person into `decisions`; return the accounts that there are, by row. The first row of a person counts."""
    contacts = {number: _contacts(person) for number, person in people.items()}
    known = await account_queries.find_by_contacts(session, [one for each in contacts.values() for one in each])
    found = {number: {known[one] for one in each if one in known} for number, each in contacts.items()}
    standings = await queries.known_accounts(session, file.community_id, sorted(set().union(*found.values())))
    keys = {number: _keys(contacts[number], found[number]) for number in people}
    taken = await queries.known_keys(session, file.id, [key for each in keys.values() for key in each])
    fresh: dict[bytes, int] = {}
    for number, person in sorted(people.items()):
        earlier = [taken[key] for key in keys[number] if key in taken]
        if earlier and len(found[number]) <= 1:
            decisions[number] = Decision(Outcome.REJECT, reason=Reason("duplicate-row", {"row": min(earlier)}))
            continue
        decision = decide(person, [standings[one] for one in found[number]], most_tags=MOST_PER_MEMBER)
        decisions[number] = decision
        if decision.outcome is not Outcome.REJECT:
            mine = dict.fromkeys(keys[number], number)
            taken.update(mine)
            fresh.update(mine)
    await _keep_keys(session, file, fresh)
    return {number: next(iter(each)) for number, each in found.items() if len(each) == 1}


def _keys(contacts: Sequence[Contact], accounts: set[UUID]) -> list[bytes]:
    names = [f"{one.provider}:{one.subject}" for one in contacts] + [f"account:{one}" for one in accounts]
    return [hashlib.blake2b(name.encode(), digest_size=16).digest() for name in names]


async def _keep_keys(session: Session, file: MemberFile, keys: Mapping[bytes, int]) -> None:
    if keys:
        await session.execute(
            text("""
                INSERT INTO member_file_key (file_id, key, organization_id, number)
                SELECT :file_id, key, :organization_id, number
                FROM unnest(CAST(:keys AS bytea[]), CAST(:numbers AS integer[])) AS named(key, number)
            """),
            {
                "file_id": file.id,
                "organization_id": file.organization_id,
                "keys": list(keys),
                "numbers": list(keys.values()),
            },
        )


async def _take(
    session: Session,
    file: MemberFile,
    people: Mapping[int, Person],
    decisions: Mapping[int, Decision],
    accounts: Mapping[int, UUID],
) -> dict[int, UUID]:
    """Make accounts and memberships as decided, the way every import does; return the rows' accounts."""
    assert file.started_by is not None  # noqa: S101  a CHECK says so
    made = await import_accounts(
        session,
        organization_id=file.organization_id,
        actor=file.started_by,
        items=[_imported(people[number]) for number, one in decisions.items() if one.outcome is Outcome.CREATE],
    )
    whole = dict(accounts)
    for number, decision in decisions.items():
        if decision.outcome is Outcome.CREATE:
            whole[number] = made[people[number].external_id][0]
    arriving = {Outcome.CREATE, Outcome.JOIN}
    await imports.insert_members(
        session,
        organization_id=file.organization_id,
        community_id=file.community_id,
        actor=file.started_by,
        arrivals={
            whole[number]: Arrival(people[number].joined_at)
            for number, one in decisions.items()
            if one.outcome in arriving
        },
    )
    given = [(whole[number], tag) for number, one in decisions.items() for tag in one.tags]
    await tags.add(session, file.community_id, given, file.started_by, origin=Origin.IMPORT)
    return whole


def _imported(person: Person) -> ImportedAccount:
    return ImportedAccount(
        person.external_id,
        person.name,
        bot=False,
        contacts=tuple(one for one in _contacts(person) if one.provider is not Provider.IMPORT),
        locale=person.locale,
        zone=person.zone,
    )


async def _record(
    session: Session, file: MemberFile, decisions: Mapping[int, Decision], accounts: Mapping[int, UUID]
) -> None:
    await session.execute(
        text("""
            UPDATE member_file_row AS held
            SET outcome = told.outcome, code = told.code, params = told.params::jsonb, account_id = told.account_id
            FROM unnest(CAST(:numbers AS integer[]), CAST(:outcomes AS text[]), CAST(:codes AS text[]), CAST(:params AS text[]),
                CAST(:accounts AS uuid[])) AS told(number, outcome, code, params, account_id)
            WHERE held.file_id = :file_id AND held.number = told.number
        """),
        {
            "file_id": file.id,
            "numbers": list(decisions),
            "outcomes": [one.outcome.value for one in decisions.values()],
            "codes": [one.reason.code if one.reason else None for one in decisions.values()],
            "params": [
                orjson.dumps(dict(one.reason.params)).decode() if one.reason else None for one in decisions.values()
            ],
            "accounts": [accounts.get(number) for number in decisions],
        },
    )


def _progress(file: MemberFile, rows: Sequence[tuple[int, list[str]]], decisions: Mapping[int, Decision]) -> bool:
    counted = Counter(file.counts)
    counted.update(one.outcome.value for one in decisions.values())
    file.counts = dict(counted)
    file.done += len(rows)
    if rows:
        file.after = rows[-1][0]
    if file.done < file.rows and rows:
        return True
    if file.state == FileState.IMPORTING:
        file.state, file.finished_at = FileState.IMPORTED, clock.now()
    else:
        file.state = FileState.CHECKED
    file.version += 1
    return False
