"""Reading files of members."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Sequence
from io import StringIO
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from chassis.auth import Standing
from chassis.db import Session, transaction
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.members import CommunityState
from members.memberships.files.models import MemberFile
from members.memberships.files.policy import FileState, KnownAccount, Outcome, can, neutral, suggest
from members.memberships.files.schemas import (
    BroughtFileOut,
    ColumnOut,
    MemberFileMap,
    MemberFileRowOut,
    OutcomeCounts,
    RowReason,
)
from members.reasons import Reason, render

SAMPLES = 5
LONGEST_SAMPLE = 200
ROWS_AT_ONCE = 1000


async def get_file(session: Session, community_id: UUID, file_id: UUID, *, lock: bool = False) -> MemberFile:
    """Return a file of a community, locked for a change when asked. Raises Problem 404."""
    wanted = select(MemberFile).where(col(MemberFile.id) == file_id, col(MemberFile.community_id) == community_id)
    found = await session.scalars(wanted.with_for_update() if lock else wanted)
    file = found.one_or_none()
    if file is None:
        raise not_found("member file")
    return file


async def find_file(session: Session, file_id: UUID) -> MemberFile | None:
    """Return a file locked for a change, None when it was dropped."""
    found = await session.scalars(
        select(MemberFile).where(col(MemberFile.id) == file_id).with_for_update(),
        execution_options={"populate_existing": True},
    )
    return found.one_or_none()


async def count_files(session: Session, community_id: UUID) -> int:
    """Return how many files a community holds."""
    rows = await session.execute(
        text("SELECT count(*) FROM member_file WHERE community_id = :id"), {"id": community_id}
    )
    return int(rows.scalar_one())


async def place_of(session: Session, community_id: UUID) -> tuple[CommunityState, ZoneInfo]:
    """Return a community's state and time zone."""
    rows = await session.execute(text("SELECT state, zone FROM community WHERE id = :id"), {"id": community_id})
    row = rows.one()
    return CommunityState(row.state), ZoneInfo(row.zone)


async def out(session: Session, file: MemberFile, language: str) -> BroughtFileOut:
    """Return a file as a manager sees it."""
    return (await _outs(session, [file], language))[0]


async def list_page(
    session: Session, standing: Standing, cursors: Cursors, language: str, *, limit: int, cursor: str | None
) -> Page[BroughtFileOut]:
    """Return a community's files, latest first."""
    scope = f"member-files:{standing.principal.organization_id}:{standing.community_id}"
    after = cursors.decode(scope, cursor)
    wanted = select(MemberFile).where(col(MemberFile.community_id) == standing.community_id)
    if after:
        wanted = wanted.where(col(MemberFile.id) < UUID(after[0]))
    found = list(await session.scalars(wanted.order_by(col(MemberFile.id).desc()).limit(limit + 1)))
    page = found[:limit]
    return Page[BroughtFileOut](
        data=await _outs(session, page, language),
        next_cursor=cursors.following(scope, found, limit, lambda row: row.id),
    )


async def _outs(session: Session, files: Sequence[MemberFile], language: str) -> list[BroughtFileOut]:
    rows = await session.execute(
        text("""
            SELECT file.id, first.cells::text AS cells FROM unnest(CAST(:ids AS uuid[])) AS file(id)
            CROSS JOIN LATERAL (SELECT number, cells FROM member_file_row WHERE file_id = file.id ORDER BY number LIMIT :most) AS first
            ORDER BY first.number
        """),
        {"ids": [file.id for file in files], "most": SAMPLES},
    )
    samples: dict[UUID, list[list[str]]] = {}
    for row in rows:
        samples.setdefault(row.id, []).append(orjson.loads(row.cells))
    return [_out(file, samples.get(file.id, []), language) for file in files]


def _out(file: MemberFile, samples: Sequence[Sequence[str]], language: str) -> BroughtFileOut:
    columns = [
        ColumnOut(
            column=place,
            name=name,
            samples=[cells[place][:LONGEST_SAMPLE] for cells in samples if place < len(cells)],
            suggested=suggest(name),
        )
        for place, name in enumerate(file.columns)
    ]
    taken: set[str] = set()
    for column in columns:
        # Of two columns with one meaning the first has it; only tags come from several.
        if column.suggested in taken:
            column.suggested = None
        elif column.suggested is not None and column.suggested != "tags":
            taken.add(column.suggested)
    return BroughtFileOut(
        **file.model_dump(exclude={"columns", "mapping", "counts", "reason"}),
        columns=columns,
        mapping=MemberFileMap.model_validate(file.mapping) if file.mapping else None,
        counts=OutcomeCounts(**{outcome.value: file.counts.get(outcome, 0) for outcome in Outcome}),
        reason=render(Reason(file.reason), language) if file.reason else None,
        can=can(FileState(file.state)),
    )


async def waiting_rows(session: Session, file: MemberFile, limit: int) -> list[tuple[int, list[str]]]:
    """Return number and cells of the next rows that were not looked at."""
    rows = await session.execute(
        text("""
            SELECT number, cells::text AS cells FROM member_file_row WHERE file_id = :id AND number > :after
            ORDER BY number LIMIT :limit
        """),
        {"id": file.id, "after": file.after, "limit": limit},
    )
    return [(row.number, orjson.loads(row.cells)) for row in rows]


async def known_keys(session: Session, file_id: UUID, keys: Sequence[bytes]) -> dict[bytes, int]:
    """Return which keys earlier rows of the file had, with the row."""
    rows = await session.execute(
        text("SELECT key, number FROM member_file_key WHERE file_id = :id AND key = ANY(CAST(:keys AS bytea[]))"),
        {"id": file_id, "keys": list(keys)},
    )
    return {bytes(row.key): row.number for row in rows}


async def known_accounts(session: Session, community_id: UUID, accounts: Sequence[UUID]) -> dict[UUID, KnownAccount]:
    """Return what these accounts are in a community, and their tags there."""
    rows = await session.execute(
        text("""
            SELECT wanted.id, membership.state, array(SELECT tag FROM membership_tag AS held
                WHERE held.community_id = membership.community_id AND held.account_id = membership.account_id) AS tags
            FROM unnest(CAST(:accounts AS uuid[])) AS wanted(id)
            LEFT JOIN membership ON membership.community_id = :community_id AND membership.account_id = wanted.id
        """),
        {"community_id": community_id, "accounts": list(accounts)},
    )
    return {row.id: KnownAccount(row.id, row.state, frozenset(row.tags)) for row in rows}


_JUDGED = """
SELECT number, cells::text AS cells, outcome, code, params::text AS params, account_id
FROM member_file_row WHERE file_id = :id AND outcome = ANY(CAST(:outcomes AS text[])) AND number > :after
ORDER BY number LIMIT :limit
"""


async def _judged(
    session: Session, file_id: UUID, outcomes: Sequence[Outcome], after: int, limit: int
) -> Sequence[Any]:
    rows = await session.execute(
        text(_JUDGED),
        {"id": file_id, "outcomes": [one.value for one in outcomes], "after": after, "limit": limit},
    )
    return rows.all()


def _reason(row: Any, language: str) -> RowReason | None:  # noqa: ANN401  a row
    if row.code is None:
        return None
    params = orjson.loads(row.params or "{}")
    return RowReason(code=row.code, params=params, detail=render(Reason(row.code, params), language))


async def list_rows(
    session: Session,
    file: MemberFile,
    cursors: Cursors,
    language: str,
    *,
    outcome: Outcome | None,
    limit: int,
    cursor: str | None,
) -> Page[MemberFileRowOut]:
    """Return the rows that were looked at, in the order of the file."""
    scope = f"member-file-rows:{file.id}:{outcome}"
    after = cursors.decode(scope, cursor)
    outcomes = [outcome] if outcome else list(Outcome)
    found = await _judged(session, file.id, outcomes, int(after[0]) if after else 0, limit + 1)
    page = found[:limit]
    return Page[MemberFileRowOut](
        data=[
            MemberFileRowOut(
                number=row.number,
                cells=orjson.loads(row.cells),
                outcome=row.outcome,
                reason=_reason(row, language),
                account_id=row.account_id,
            )
            for row in page
        ],
        next_cursor=cursors.following(scope, found, limit, lambda row: row.number),
    )


async def rejected_csv(engine: AsyncEngine, file: MemberFile, language: str) -> AsyncIterator[bytes]:
    """Yield the rejected rows with their reasons as CSV, for any spreadsheet program: UTF-8 with a mark, and no cell a formula."""
    yield _csv([["row", "code", "reason", *file.columns]], mark=True)
    after = 0
    while True:
        async with transaction(engine, file.organization_id) as session:
            found = await _judged(session, file.id, [Outcome.REJECT], after, ROWS_AT_ONCE)
        if not found:
            return
        lines = []
        for row in found:
            reason = _reason(row, language)
            detail = reason.detail if reason else ""
            lines.append([str(row.number), row.code, detail, *orjson.loads(row.cells)])
        yield _csv(lines)
        after = found[-1].number


def _csv(lines: Sequence[Sequence[str]], *, mark: bool = False) -> bytes:
    written = StringIO(newline="")
    csv.writer(written).writerows([neutral(cell) for cell in line] for line in lines)
    return written.getvalue().encode("utf-8-sig" if mark else "utf-8")
