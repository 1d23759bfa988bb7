"""Every event there is, by type, which service owns which aggregate, and how partners name the types that they want."""

from __future__ import annotations

from difflib import get_close_matches

from contracts import content, engagement, members, partners
from contracts.base import Event

BY_TYPE: dict[str, type[Event]] = {
    event.type: event for event in (*members.EVENTS, *content.EVENTS, *engagement.EVENTS, *partners.EVENTS)
}

OWNER_OF_AGGREGATE: dict[str, str] = {event.aggregate: event.service() for event in BY_TYPE.values()}
"""`membership` → `members`: who decides how far a position is."""

FOR_PARTNERS: dict[str, type[Event]] = {name: event for name, event in sorted(BY_TYPE.items()) if event.partners}
"""The types that partners may ask for, in the order of their names."""

LONGEST_FILTER = 100


def filters_for(event_type: str) -> list[str]:
    """Return every filter that a type passes, the widest first: `*`, `content.*`, `content.post.*`, and so on to the type itself."""
    segments = event_type.split(".")
    return ["*", *(".".join(segments[:depth]) + ".*" for depth in range(1, len(segments))), event_type]


def matches(pattern: str, event_type: str) -> bool:
    """Tell whether a type passes a filter: the type itself, `*`, or leading segments of it followed by `.*`.

    What a filter with a star lets through includes types that are added later.
    """
    return pattern in ("*", event_type) or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))


_FILTERS: dict[str, None] = {pattern: None for name in FOR_PARTNERS for pattern in filters_for(name)}


def filter_fault(pattern: str) -> str | None:
    """Return what is wrong with a filter, as a sentence that names the nearest right one; None when it lets some type through."""
    if pattern in _FILTERS:
        return None
    if len(pattern) > LONGEST_FILTER:
        return f"No type of event is longer than {LONGEST_FILTER} characters."
    if pattern in BY_TYPE:
        return f"Partners do not get {pattern}: it is an affair of the installation's own."
    nearest = get_close_matches(pattern, _FILTERS if "*" in pattern else FOR_PARTNERS, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]}?" if nearest else "GET /v1/event-types lists those that there are."
    return f"No type of event is named so: {hint}"
