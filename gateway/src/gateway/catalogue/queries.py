"""Reading the catalogue, a page at a time."""

from __future__ import annotations

from uuid import UUID

from chassis.errors import Fault, Problem
from chassis.pagination import Cursors
from chassis.schemas import Page
from contracts.catalogue import filter_fault, matches
from gateway.catalogue.messages import Message, messages
from gateway.catalogue.payloads import PING
from gateway.catalogue.schemas import EventTypeOut


def list_event_types(
    organization_id: UUID, cursors: Cursors, pattern: str, *, limit: int, cursor: str | None
) -> Page[EventTypeOut]:
    """Return the types that a filter lets through, by name. Raises Problem 422 for a filter or a cursor that is none."""
    fault = filter_fault(pattern)
    if fault is not None:
        raise Problem(422, "invalid", fault, errors=[Fault("/query/filter", "event-type-unknown", fault)])
    scope = f"event-types:{organization_id}:{pattern}"
    after = cursors.decode(scope, cursor)
    # The ping is no event: it is sent when it is asked for, whatever the filters.
    found = [one for name, one in messages().items() if name != PING and matches(pattern, name)]
    left = [one for one in found if after is None or one.type > after[0]]
    following = cursors.following(scope, left, limit, lambda row: row.type)
    return Page(data=[_out(one) for one in left[:limit]], next_cursor=following)


def _out(message: Message) -> EventTypeOut:
    return EventTypeOut(
        type=message.type, description=message.description, body_schema=message.schema, example=message.example
    )
