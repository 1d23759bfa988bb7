"""Read your writes: a write says which position it reached, a later read may wait for it."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

import orjson

from chassis.errors import Problem
from chassis.runtime import Runtime
from contracts.catalogue import OWNER_OF_AGGREGATE

LONGEST_WAIT_SECONDS = 2.0
POLL_SECONDS = 0.02
MOST_POSITIONS = 200
_POSITION = re.compile(r"([a-z_]{1,40})/([0-9a-f-]{36})@([0-9]{1,18})")

_REACHED = """
SELECT json_agg(json_build_array(consumer, aggregate_type, aggregate_id)) FROM projection_position
JOIN unnest($2::text[], $3::uuid[], $4::bigint[]) AS wanted(aggregate_type, aggregate_id, version)
    USING (aggregate_type, aggregate_id)
WHERE projection_position.version >= wanted.version
"""


def header(positions: dict[str, int]) -> str:
    """Return the value of Hearth-Position; of more than one Hearth-After takes, the last ones, so that it stays a header."""
    last = list(positions.items())[-MOST_POSITIONS:]
    return ", ".join(f"{aggregate}@{version}" for aggregate, version in last)


def parse(value: str) -> list[tuple[str, UUID, int]]:
    """Read a Hearth-After header. Raises Problem 400."""
    steps = [step.strip() for step in value.split(",") if step.strip()]
    found = [_POSITION.fullmatch(step) for step in steps]
    if not steps or len(steps) > MOST_POSITIONS or not all(found):
        raise Problem(
            400, "position-malformed", "Hearth-After takes up to 200 values of Hearth-Position, comma separated."
        )
    try:
        return [(match[1], UUID(match[2]), int(match[3])) for match in found if match]
    except ValueError as error:
        raise Problem(400, "position-malformed", "Hearth-After names something that is no id.") from error


async def wait(runtime: Runtime, organization_id: UUID, value: str) -> None:
    """Wait until every projection of this service that follows the positions' aggregates has them. Raises Problem 400, 503."""
    wanted = {
        (consumer.name, aggregate, identifier): version
        for aggregate, identifier, version in parse(value)
        if OWNER_OF_AGGREGATE.get(aggregate) != runtime.service
        for consumer in runtime.consumers.values()
        if aggregate in consumer.aggregates
    }
    deadline = asyncio.get_running_loop().time() + LONGEST_WAIT_SECONDS
    while wanted:
        reached = await runtime.reader.json(
            organization_id,
            _REACHED,
            [aggregate for _, aggregate, _ in wanted],
            [identifier for _, _, identifier in wanted],
            list(wanted.values()),
        )
        for consumer, aggregate, identifier in orjson.loads(reached or "[]"):
            wanted.pop((consumer, aggregate, UUID(identifier)), None)
        if not wanted:
            return
        if asyncio.get_running_loop().time() > deadline:
            raise Problem(
                503, "not-there-yet", "This service has not seen that write yet.", headers={"Retry-After": "1"}
            )
        await asyncio.sleep(POLL_SECONDS)
