"""Reading what is kept in versions. The tables' primary keys are what a document is of, and its version."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, inspect, select

from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from members.tables import Table

Row = TypeVar("Row", bound=Table)


def _newest_first(model: type[Row], subject: UUID) -> tuple[Select[Row], Any]:
    """Return the versions of one document, and their column of versions."""
    of, version = inspect(model).primary_key
    return select(model).where(of == subject).order_by(version.desc()), version


async def find_current(session: Session, model: type[Row], subject: UUID) -> Row | None:
    """Return the version in force, None before anything was written."""
    query, _ = _newest_first(model, subject)
    return (await session.execute(query.limit(1))).scalar_one_or_none()


async def get(session: Session, model: type[Row], subject: UUID, version: int, what: str) -> Row:
    """Return one version. Raises Problem 404 that names what is not there."""
    row = await session.get(model, (subject, version))
    if row is None:
        raise not_found(f"version of the {what}")
    return row


async def list_versions(
    session: Session, model: type[Row], subject: UUID, cursors: Cursors, scope: str, *, limit: int, cursor: str | None
) -> tuple[list[Row], str | None]:
    """Return a page of versions, newest first, and the cursor behind it; `scope` names the list and its tenant."""
    after = cursors.decode(scope, cursor)
    query, version = _newest_first(model, subject)
    if after is not None:
        query = query.where(version < after[0])
    rows = list((await session.execute(query.limit(limit + 1))).scalars())
    return rows[:limit], cursors.following(scope, rows, limit, lambda row: getattr(row, version.name))
