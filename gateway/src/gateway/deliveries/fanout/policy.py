"""Which endpoint is told of what, and whom it may be told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.catalogue import matches


@dataclass(frozen=True, slots=True)
class News:
    """What decides who is told of an event. `client_id` is the only partner that may be; `about` the endpoint that it tells of."""

    type: str
    community_id: UUID | None = None
    client_id: UUID | None = None
    about: UUID | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """What an endpoint asked for; empty filters let everything through."""

    endpoint_id: UUID
    client_id: UUID
    event_types: Sequence[str]
    community_ids: Sequence[UUID]


def wants(listener: Listener, news: News) -> bool:
    """Tell whether an endpoint is told of an event. What belongs to no community is not in any that it names."""
    if news.about == listener.endpoint_id or news.client_id not in (None, listener.client_id):
        return False
    if listener.event_types and not any(matches(pattern, news.type) for pattern in listener.event_types):
        return False
    return not listener.community_ids or news.community_id in listener.community_ids


def withholds(*, needs_consent: bool, personal: bool, persons: Sequence[UUID], granted: Mapping[UUID, bool]) -> bool:
    """Tell whether a partner may not be told: it needs consent, and somebody whom it would learn of has not given it, or cannot be asked."""
    if not needs_consent:
        return False
    if not persons:
        return personal
    return not all(granted.get(person, False) for person in persons)
