"""Taking files in, saying what they mean, and having their rows looked at or taken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import IO
from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock, due
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.ids import new_id
from chassis.requests import check_version
from contracts.members import CommunityState
from members.memberships.files import queries, texts, workbooks
from members.memberships.files.models import MemberFile
from members.memberships.files.policy import (
    MOST_ROWS,
    RUNNING,
    STEPS,
    Field,
    FileError,
    FileState,
    is_header,
)
from members.memberships.files.schemas import MemberFileMap

ADVANCE = "member_files.advance"
EXPIRE = "member_files.expire"
KEPT = timedelta(days=7)
MOST_FILES = 20
ROWS_AT_ONCE = 1000
LONGEST_COLUMN_NAME = 200

Rows = Iterator[tuple[int, list[str]]]


@dataclass(frozen=True)
class Hints:
    """What somebody says of a file; what is None is found out."""

    filename: str | None = None
    encoding: str | None = None
    header: bool | None = None


async def receive(session: Session, standing: Standing, file: IO[bytes], hints: Hints) -> MemberFile:
    """Read a table into rows that wait. Raises Problem 409 when archived or too many files wait, 422 for what cannot be read."""
    _refuse_archived(standing.community_state)
    if await queries.count_files(session, standing.community_id) >= MOST_FILES:
        raise Problem(
            409, "too-many-files", f"A community holds up to {MOST_FILES} files; they are dropped after 7 days."
        )
    try:
        return await _read(session, standing, file, hints)
    except FileError as fault:
        raise Problem(422, fault.code, fault.detail) from fault


async def _read(session: Session, standing: Standing, file: IO[bytes], hints: Hints) -> MemberFile:
    table = await asyncio.to_thread(_open, file, hints.encoding)
    rows = table.rows
    first = await asyncio.to_thread(next, rows, None)
    if first is None:
        raise FileError("file-empty", "The file holds no rows.")
    header = is_header(first[1]) if hints.header is None else hints.header
    if not header:
        rows = chain([first], rows)
    batch = await asyncio.to_thread(_some, rows)
    if not batch:
        raise FileError("file-empty", "The file holds no rows below its header.")
    made = _made(standing, table, hints, [name if header else "" for name in first[1]], header=header)
    made.rows = len(batch)
    session.add(made)
    await session.flush()
    await due.schedule(session, made.organization_id, EXPIRE, str(made.id), made.expires_at)
    while batch:
        await _stage(session, made, batch)
        batch = await asyncio.to_thread(_some, rows)
        made.rows += len(batch)
        if made.rows > MOST_ROWS:
            raise FileError("too-many-rows", f"A file has up to {MOST_ROWS} rows: split it.")
    await session.flush()
    return made


def _some(rows: Rows) -> list[tuple[int, list[str]]]:
    return list(islice(rows, ROWS_AT_ONCE))


@dataclass(frozen=True)
class _Table:
    format: str
    rows: Rows
    encoding: str | None = None
    delimiter: str | None = None


def _open(file: IO[bytes], declared: str | None) -> _Table:
    if workbooks.is_workbook(file):
        return _Table("xlsx", workbooks.rows(file))
    encoding = texts.encoding_of(file, declared)
    delimiter, said = texts.delimiter_of(file, encoding)
    records = texts.records(file, encoding, delimiter, skip=said)
    rows = ((number, record) for number, record in enumerate(records, 1) if any(cell.strip() for cell in record))
    return _Table("csv", rows, encoding.removesuffix("-sig"), delimiter)


def _made(standing: Standing, table: _Table, hints: Hints, names: Sequence[str], *, header: bool) -> MemberFile:
    now = clock.now()
    return MemberFile(
        id=new_id(),
        organization_id=standing.principal.organization_id,
        community_id=standing.community_id,
        state=FileState.UPLOADED,
        filename=hints.filename,
        format=table.format,
        encoding=table.encoding,
        delimiter=table.delimiter,
        header=header,
        columns=[" ".join(name.split())[:LONGEST_COLUMN_NAME] for name in names],
        rows=0,
        created_by=standing.principal.account_id,
        created_at=now,
        expires_at=now + KEPT,
        version=1,
    )


async def _stage(session: Session, file: MemberFile, rows: Sequence[tuple[int, list[str]]]) -> None:
    await session.execute(
        text("""
            INSERT INTO member_file_row (file_id, number, organization_id, cells)
            SELECT :file_id, number, :organization_id, cells::jsonb
            FROM unnest(CAST(:numbers AS integer[]), CAST(:cells AS text[])) AS row(number, cells)
        """),
        {
            "file_id": file.id,
            "organization_id": file.organization_id,
            "numbers": [number for number, _ in rows],
            "cells": [orjson.dumps(cells).decode() for _, cells in rows],
        },
    )


async def set_mapping(
    session: Session, standing: Standing, file_id: UUID, version: int, body: MemberFileMap
) -> MemberFile:
    """Say what the columns hold. Raises Problem 404, 409, 412, 422."""
    file = await _step(session, standing, file_id, version, "map")
    faults = [
        Fault(f"/columns/{place}/column", "unknown-column", f"The file has {len(file.columns)} columns.")
        for place, one in enumerate(body.columns)
        if one.column >= len(file.columns)
    ]
    seen_fields: set[Field] = set()
    seen_columns: set[int] = set()
    for place, one in enumerate(body.columns):
        if one.field in seen_fields and one.field is not Field.TAGS:
            faults.append(Fault(f"/columns/{place}/field", "field-twice", "Only tags come from several columns."))
        if one.column in seen_columns:
            faults.append(Fault(f"/columns/{place}/column", "column-twice", "A column has one meaning."))
        seen_fields.add(one.field)
        seen_columns.add(one.column)
    if Field.NAME not in seen_fields:
        faults.append(Fault("/columns", "name-unmapped", "One column has to hold names."))
    if not seen_fields & {Field.EXTERNAL_ID, Field.EMAIL, Field.PHONE}:
        faults.append(
            Fault("/columns", "nobody-named", "One column has to hold an external id, e-mails or phone numbers.")
        )
    if faults:
        raise Problem(422, "invalid", "The columns do not tell whom the rows describe.", errors=faults[:50])
    file.mapping = body.model_dump(mode="json")
    file.state = FileState.MAPPED
    await _rewind(session, file)
    return file


async def dry_run(session: Session, standing: Standing, file_id: UUID, version: int) -> MemberFile:
    """Have every row looked at. Raises Problem 404, 409, 412."""
    await _advance_soon(session, standing, file_id)
    file = await _step(session, standing, file_id, version, "dry_run")
    file.state = FileState.CHECKING
    await _rewind(session, file)
    return file


async def start(session: Session, standing: Standing, file_id: UUID, version: int) -> MemberFile:
    """Have every row taken. Raises Problem 404, 409, 412."""
    await _advance_soon(session, standing, file_id)
    file = await _step(session, standing, file_id, version, "start")
    file.state = FileState.IMPORTING
    file.started_by, file.started_at = standing.principal.account_id, clock.now()
    await _rewind(session, file)
    return file


async def cancel(session: Session, standing: Standing, file_id: UUID, version: int) -> MemberFile:
    """Take no further rows; a step that is under way is waited for. Raises Problem 404, 409, 412."""
    # Before the file, as a worker does: its work's row first, then what the work is about.
    await due.cancel(session, standing.principal.organization_id, ADVANCE, str(file_id))
    file = await _step(session, standing, file_id, version, "cancel")
    file.state, file.finished_at = FileState.CANCELLED, clock.now()
    return file


async def _advance_soon(session: Session, standing: Standing, file_id: UUID) -> None:
    """Have rows looked at. Called before the file is locked, as a worker does: its work's row first, then what it is about."""
    await due.schedule(session, standing.principal.organization_id, ADVANCE, str(file_id), clock.now())


async def _step(session: Session, standing: Standing, file_id: UUID, version: int, step: str) -> MemberFile:
    file = await queries.get_file(session, standing.community_id, file_id, lock=True)
    check_version(version, file.version)
    if FileState(file.state) not in STEPS[step]:
        raise Problem(409, "file-state", f"The file is {file.state}: that does not go with it.")
    if step != "cancel":
        _refuse_archived(standing.community_state)
    file.version += 1
    return file


def _refuse_archived(state: CommunityState) -> None:
    if state is CommunityState.ARCHIVED:
        raise Problem(409, "community-archived", "An archived community takes no imports.")


async def _rewind(session: Session, file: MemberFile) -> None:
    file.after, file.done, file.counts = 0, 0, {}
    await session.execute(text("DELETE FROM member_file_key WHERE file_id = :id"), {"id": file.id})
    await session.execute(
        text(
            "UPDATE member_file_row SET outcome = NULL, code = NULL, params = NULL, account_id = NULL "
            "WHERE file_id = :id AND outcome IS NOT NULL"
        ),
        {"id": file.id},
    )


async def expire(session: Session, file_id: UUID) -> datetime | None:
    """Drop a file with its rows; return when to come back for one that is being taken."""
    file = await queries.find_file(session, file_id)
    if file is None:
        return None
    if file.state in RUNNING:
        file.expires_at = clock.now() + timedelta(days=1)
        return file.expires_at
    await session.delete(file)
    return None
