"""Taking a list out as XLSX: judged and counted in the request's transaction, sent page by page after it.

Who took what out is told in that same transaction, which commits before the first byte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from fastapi import Query
from fastapi.responses import StreamingResponse

from chassis import clock, sheets
from chassis.db import Session, transaction
from chassis.errors import Fault, Problem
from chassis.ids import new_id
from chassis.runtime import Runtime
from chassis.sheets import Sheet
from chassis.tokens import Principal
from contracts.base import Event

XLSX: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A workbook of one sheet: titles in the reader's language, dates and numbers typed, texts never formulas.",
        "content": {sheets.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}, "example": "PK\u0003\u0004"}},
    }
}
"""What a route that answers with a workbook says of it."""


@dataclass(frozen=True)
class Taken:
    """A list that is taken out: how many rows it had, the values that narrow it and what its statements need."""

    id: UUID
    sheet: Sheet
    organization_id: UUID
    filters: Mapping[str, str | UUID]
    parameters: Mapping[str, Any]
    rows: int


def narrowed(what: str) -> Any:  # noqa: ANN401  FastAPI's marker
    """Return the description of a query parameter that narrows a list."""
    return Query(description=f"only those {what}")


def choose(sheet: Sheet, values: Mapping[str, str | UUID | None]) -> dict[str, str | UUID]:
    """Return the filters that are given. Raises Problem 422 for those that the list does not know or needs, and for unknown values."""
    given = {name: value for name, value in values.items() if value is not None}
    faults = []
    for name, value in sorted(given.items()):
        one = sheet.filters.get(name)
        if one is None:
            faults.append(Fault(f"/query/{name}", "filter-unknown", "This list has no such filter."))
        elif one.known and value not in one.known:
            faults.append(Fault(f"/query/{name}", "enum", f"One of these: {', '.join(one.known)}."))
    for name, one in sorted(sheet.filters.items()):
        if one.required and name not in given:
            faults.append(Fault(f"/query/{name}", "missing", "This list needs it."))
    if faults:
        raise Problem(422, "invalid", "The list cannot be narrowed like this.", errors=faults)
    return given


async def take(
    session: Session,
    principal: Principal,
    sheet: Sheet,
    values: Mapping[str, str | UUID | None],
    *,
    community_id: UUID | None,
    zone: str,
) -> Taken:
    """Judge the filters and count the rows. Raises Problem 422, for more rows than a sheet holds too.

    A list's SQL may speak of its filters, and of :community_id, :caller, :zone and :now, the moment at which it was begun.
    """
    filters = choose(sheet, values)
    fixed = {"caller": principal.account_id, "community_id": community_id, "zone": zone, "now": clock.now()}
    parameters = {**filters, **fixed}
    rows = await sheets.count(session, sheet, parameters, list(filters))
    if rows > sheets.MOST_ROWS:
        raise Problem(422, "too-many-rows", f"A sheet holds {sheets.MOST_ROWS} rows: narrow the list by its filters.")
    return Taken(new_id(), sheet, principal.organization_id, filters, parameters, rows)


class Emit(Protocol):
    """`chassis.outbox.emit`, as far as exports need it."""

    def __call__(
        self,
        session: Session,
        event: Event,
        /,
        *,
        organization_id: UUID,
        aggregate_id: UUID,
        version: int,
        community_id: UUID | None,
        actor: UUID | None,
    ) -> None:
        """Write an event with the transaction."""


async def begin(
    session: Session,
    principal: Principal,
    sheet: Sheet,
    values: Mapping[str, str | UUID | None],
    *,
    community_id: UUID | None,
    zone: str,
    emit: Emit,
    started: Callable[[Taken], Event],
) -> Taken:
    """Take a list out as `take` does, and tell of it by the event that `started` makes. Raises Problem 422.

    Only commands emit: they hand on the outbox's `emit`.
    """
    taken = await take(session, principal, sheet, values, community_id=community_id, zone=zone)
    emit(
        session,
        started(taken),
        organization_id=principal.organization_id,
        aggregate_id=taken.id,
        version=1,
        community_id=community_id,
        actor=principal.account_id,
    )
    return taken


async def pages(runtime: Runtime, taken: Taken) -> AsyncIterator[list[Sequence[Any]]]:
    """Yield the rows, a page and a transaction at a time: a slow reader holds no connection. Ends where a sheet is full."""
    after: Sequence[Any] | None = None
    left = sheets.MOST_ROWS
    while left:
        async with transaction(runtime.engine, taken.organization_id) as session:
            rows, after = await sheets.page(session, taken.sheet, taken.parameters, list(taken.filters), after)
        yield rows[:left]
        left -= len(rows[:left])
        if after is None:
            return


def answer(
    runtime: Runtime,
    taken: Taken,
    *,
    language: str,
    finish: Callable[[int], Awaitable[None]] | None = None,
) -> StreamingResponse:
    """Return the file, written while it is sent; `finish` learns how many rows it has after the last byte."""

    async def chunks() -> AsyncIterator[bytes]:
        sent = 0

        async def counted() -> AsyncIterator[Sequence[Sequence[Any]]]:
            nonlocal sent
            async for rows in pages(runtime, taken):
                sent += len(rows)
                yield rows

        zone, sheet = str(taken.parameters["zone"]), taken.sheet
        titles = sheets.header(sheet, zone, language)
        async for chunk in sheets.stream(titles, counted(), zone=zone, language=language, title=sheet.name):
            yield chunk
        if finish is not None:
            await finish(sent)

    name = f"{taken.sheet.name}-{clock.now():%Y-%m-%d}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingResponse(chunks(), media_type=sheets.MEDIA_TYPE, headers=headers)
