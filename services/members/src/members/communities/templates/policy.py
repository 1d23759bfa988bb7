"""What a template would change in a community, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What is made from a template."""

    COMMUNITY = "community"
    GROUP = "group"


class Action(StrEnum):
    """What a rollout does to one field."""

    CHANGE = "change"
    """The community has what the template last set, or nothing."""
    CONFLICT = "conflict"
    """The community edited the field, and the template changed it: the edit is kept unless forced."""
    KEPT = "kept"
    """The community edited the field, and the template did not change it."""


class Outcome(StrEnum):
    """What became of one community in a rollout."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    FAILED = "failed"


@dataclass(frozen=True)
class Change:
    """One field that differs from the template."""

    field: str
    action: Action
    before: Any
    after: Any


def says_nothing(value: Any) -> bool:  # noqa: ANN401  JSON
    """Whether a value is an empty text or list, which is the same as none."""
    return value in ({}, [])


def flatten(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return field → value of a template's content; what says nothing is no field. A group's fields stand under its key."""
    fields: dict[str, Any] = {"description": content.get("description") or {}}
    for part in ("charter", "card"):
        fields |= {f"{part}/{piece}": value for piece, value in (content.get(part) or {}).items()}
    for group in content.get("groups") or []:
        fields |= {f"groups/{group['key']}/{field}": value for field, value in flatten_group(group).items()}
    return _that_say_something(fields)


def flatten_group(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return field → value of what a template says of a group."""
    fields = {name: group.get(name) for name in ("dimension", "name", "capacity", "self_join")}
    fields |= {f"card/{piece}": value for piece, value in (group.get("card") or {}).items()}
    return _that_say_something(fields)


def _that_say_something(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field: value
        for field, value in fields.items()
        if not says_nothing(value) and (value is not None or field.rpartition("/")[2] == "capacity")
    }


def compare(
    template: Mapping[str, Any], applied: Mapping[str, Any], current: Mapping[str, Any], *, force: bool = False
) -> list[Change]:
    """Return where a community differs from the template; `applied` is what the template last set in it.

    Forced, every difference is a change: the community's own edits are overwritten.
    """
    nothing = object()

    def held(fields: Mapping[str, Any], field: str) -> Any:  # noqa: ANN401  JSON, or nothing
        value = fields.get(field, nothing)
        return nothing if value is not nothing and says_nothing(value) else value

    changes = []
    for field, after in sorted(template.items()):
        before, base = held(current, field), held(applied, field)
        if before == after:
            continue
        edited = Action.KEPT if after == base else Action.CONFLICT
        action = Action.CHANGE if force or before == base else edited
        changes.append(Change(field, action, None if before is nothing else before, after))
    return changes


def outcome(changes: Iterable[Change]) -> Outcome:
    """Return what becomes of a community with these differences: a conflict that is left stands out."""
    actions = {change.action for change in changes}
    if Action.CONFLICT in actions:
        return Outcome.CONFLICT
    return Outcome.APPLIED if Action.CHANGE in actions else Outcome.UNCHANGED


def applied_after(template: Mapping[str, Any], applied: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """Return what the template has set in the community after the changes: edits that were kept stay edits."""
    own = {change.field for change in changes if change.action is not Action.CHANGE}
    return {**applied, **{field: value for field, value in template.items() if field not in own}}
