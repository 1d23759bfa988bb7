"""Which ids of an event stand for a person: consent is asked for by them, so every id field is judged here or by its type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel


@dataclass(frozen=True)
class NamesPerson:
    """Marks an id as the one of an account."""


PersonId = Annotated[UUID, NamesPerson()]
"""The account of a person. A bot has an account too, and is treated as a person would be."""

THINGS = frozenset(
    {
        "acknowledgement_id",
        "activity_id",
        "application_id",
        "check_id",
        "client_id",
        "comment_id",
        "community_id",
        "contact_id",
        "definition_id",
        "delivery_id",
        "detection_id",
        "detector_id",
        "endpoint_id",
        "erasure_id",
        "export_id",
        "goal_id",
        "group_id",
        "group_ids",
        "hold_id",
        "item_id",
        "link_id",
        "media_id",
        "membership_id",
        "note_id",
        "notice_id",
        "occurrence_id",
        "opening_id",
        "order_id",
        "organization_id",
        "parent_id",
        "persona_id",
        "post_id",
        "post_ids",
        "reach_id",
        "reaction_id",
        "reading_id",
        "referral_id",
        "reminder_id",
        "sanction_id",
        "segment_id",
        "series_id",
        "session_id",
        "similar_to",
        "slot_id",
        "source_id",
        "subject_id",
        "theme_id",
        "value_moment_id",
    }
)
"""Names of id fields that stand for a thing and for no account."""


@cache
def person_fields(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields of an event that hold accounts: one, a list of them, or none."""
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if any(isinstance(mark, NamesPerson) for mark in (*field.metadata, *_parts(field.annotation)))
    )


def unjudged(model: type[BaseModel]) -> list[str]:
    """Return the id fields of which nobody has said whether they stand for a person, with the path to those in nested models."""
    found = []
    persons = person_fields(model)
    for name, field in model.model_fields.items():
        parts = list(_parts(field.annotation))
        if UUID in parts and (name in persons) == (name in THINGS):
            found.append(name)
        for part in parts:
            if isinstance(part, type) and issubclass(part, BaseModel):
                # Persons are looked for in an event's own fields only, so what it nests names nobody.
                found += [f"{name}.{inner}" for inner in sorted({*unjudged(part), *person_fields(part)})]
    return found


def _parts(annotation: Any) -> Iterator[Any]:  # noqa: ANN401  what annotations are made of has no common type
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
