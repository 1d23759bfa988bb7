"""Keeping mappings, and saying which is in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import text

from chassis import clock
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.requests import check_version
from chassis.tokens import Principal
from gateway.inbound.mapping import policy, queries
from gateway.inbound.mapping.schemas import MappingOut
from gateway.inbound.sources import commands as sources
from gateway.inbound.sources import queries as source_queries
from gateway.inbound.sources.models import Source

MOST_MAPPINGS = 1000

_NEXT = text("SELECT coalesce(max(number), 0) + 1 FROM source_mapping WHERE source_id = :source_id")
_ADD = text("""
INSERT INTO source_mapping (source_id, number, organization_id, text, created_at, created_by)
VALUES (:source_id, :number, :organization_id, :text, :now, :by)
""")


def in_field(faults: Sequence[Fault]) -> list[Fault]:
    """Return faults with pointers into the body's `mapping`."""
    return [replace(fault, pointer="/mapping" + fault.pointer) for fault in faults]


def check(mapping: str) -> policy.Compiled:
    """Return a mapping that was read. Raises Problem 422 with all that is wrong with it."""
    found, faults = policy.compile_mapping(mapping)
    if found is None:
        raise Problem(422, "mapping-invalid", "The mapping cannot be used.", errors=in_field(faults))
    return found


async def add(session: Session, principal: Principal, source_id: UUID, mapping: str) -> MappingOut:
    """Keep another version of a source's mapping; it is not in force before it is adopted. Raises Problem 404, 409, 422."""
    check(mapping)
    source = await source_queries.get_source(session, principal, source_id, lock=True)
    number = (await session.execute(_NEXT, {"source_id": source.id})).scalar_one()
    if number > MOST_MAPPINGS:
        raise Problem(409, "too-many-mappings", f"A source has at most {MOST_MAPPINGS} versions: make a new source.")
    await session.execute(
        _ADD,
        {
            "source_id": source.id,
            "number": number,
            "organization_id": source.organization_id,
            "text": mapping,
            "now": clock.now(),
            "by": principal.account_id,
        },
    )
    return await queries.get_mapping(session, source.id, source.mapping, number)


async def adopt(session: Session, principal: Principal, source_id: UUID, number: int, expected: int) -> Source:
    """Put a version of the mapping in force, for what comes from now on. Raises Problem 404, 412."""
    source = await source_queries.get_source(session, principal, source_id, lock=True)
    check_version(expected, source.version)
    await queries.get_mapping(session, source.id, source.mapping, number)
    if source.mapping != number:
        source.mapping = number
        source.version += 1
        sources.emit(session, source, principal.account_id)
    return source
