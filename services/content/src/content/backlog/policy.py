"""What an item can become, and what it needs for that."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID


class ItemState(StrEnum):
    """How far an item is. Only what is ready goes out."""

    IDEA = "idea"
    DRAFT = "draft"
    READY = "ready"
    DELIVERED = "delivered"
    RETIRED = "retired"


class WrittenState(StrEnum):
    """The states that an editor gives; what was delivered may be made ready again."""

    IDEA = "idea"
    DRAFT = "draft"
    READY = "ready"


SECTIONS = {
    "post": "general",
    "article": "articles",
    "daily_topic": "daily-topic",
    "greeting": "greetings",
    "resource": "resources",
    "announcement": "announcements",
}
"""Where each kind stands unless an item says otherwise."""


def lacks(state: ItemState, *, body: str | None) -> bool:
    """Whether an item cannot have this state yet: what may go out says something."""
    return state in {ItemState.READY, ItemState.DELIVERED} and not body


def second_person(writer: UUID, editor: UUID) -> UUID | None:
    """Return who approves an item by making it ready: another one than who wrote its words last, None for the writer."""
    return None if editor == writer else editor


def abilities(state: ItemState, *, planned: bool, may_plan: bool) -> list[str]:
    """Return what a planner may do with an item: edit, assign, send, retire."""
    if not may_plan or state is ItemState.RETIRED:
        return []
    can = ["edit", "assign", "retire"]
    if state is ItemState.DELIVERED:
        can.remove("assign")
    if state is ItemState.READY:
        can.append("send")
    if planned:
        can.append("unassign")
    return can
