"""Filters as trees of plain values, and what holds among filters that mention one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.errors import Fault
from members.segments.filters.fields import Field

MOST_DEPTH = 16
MOST_NODES = 200
MOST_EXPANDED = 1000
MOST_VALUES = 200
LONGEST_VALUE = 200
LONGEST_WINDOW = 3650
LARGEST_NUMBER = 10**9
LARGEST_AMOUNT = 10**15
LARGEST_BUCKETS = 10_000


class Figure(StrEnum):
    """What is counted of a member's acts."""

    ACTIVE_DAYS = "active_days"
    POSTS = "posts"
    COMMENTS = "comments"
    REACTIONS = "reactions"
    REACTIONS_FROM_DISTINCT = "reactions_from_distinct"
    LAST_ACTIVITY_DAYS_AGO = "last_activity_days_ago"


class Comparison(StrEnum):
    """How a figure is compared."""

    AT_LEAST = ">="
    MORE = ">"
    AT_MOST = "<="
    LESS = "<"
    EQUAL = "="
    OTHER = "!="


@dataclass(frozen=True)
class Every:
    """All of them; of none, everybody."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    """At least one of them."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """Everybody else."""

    part: Node


@dataclass(frozen=True)
class OneOf:
    """A text field has one of the values, or a set field at least one of them."""

    field: Field
    values: tuple[str, ...]


@dataclass(frozen=True)
class Is:
    """A flag stands so."""

    field: Field
    value: bool


@dataclass(frozen=True)
class When:
    """An instant lies before, or not before, another."""

    field: Field
    before: bool
    instant: datetime


@dataclass(frozen=True)
class Within:
    """An instant lies in the last so many days."""

    field: Field
    days: int


@dataclass(frozen=True)
class Amount:
    """A number field compares so."""

    field: Field
    comparison: Comparison
    value: int


@dataclass(frozen=True)
class Count:
    """A figure, of the last so many days of the community's calendar with today or of all time, compared."""

    figure: Figure
    window: int | None
    comparison: Comparison
    value: int


@dataclass(frozen=True)
class NeverActive:
    """Never posted, commented or reacted."""


@dataclass(frozen=True)
class InSegment:
    """Matches another segment as it stands now."""

    segment_id: UUID
    at: str = field(default="", compare=False)


@dataclass(frozen=True)
class Bucket:
    """Falls into one of so many equal random buckets; for one salt always into the same."""

    salt: str
    bucket: int
    of: int


Node = Every | Either | Not | OneOf | Is | When | Within | Amount | Count | NeverActive | InSegment | Bucket
Filters = Mapping[UUID, Node]


class Malformed(ValueError):  # noqa: N818  the field's own word
    """A filter that cannot be meant; `faults` say where and why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = faults


def compare(left: int, comparison: Comparison, right: int) -> bool:
    """Compare two numbers."""
    return {
        Comparison.AT_LEAST: left >= right,
        Comparison.MORE: left > right,
        Comparison.AT_MOST: left <= right,
        Comparison.LESS: left < right,
        Comparison.EQUAL: left == right,
        Comparison.OTHER: left != right,
    }[comparison]


def parts(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below."""
    if isinstance(node, Every | Either):
        return node.parts
    return (node.part,) if isinstance(node, Not) else ()


def walk(node: Node) -> Iterator[Node]:
    """Go over a node and everything below, without looking into other segments."""
    yield node
    for part in parts(node):
        yield from walk(part)


def references(node: Node) -> list[InSegment]:
    """Return the mentions of other segments."""
    return [one for one in walk(node) if isinstance(one, InSegment)]


def names(node: Node, filters: Filters) -> set[str]:
    """Return the fields that a filter names, by way of other segments too: who names staff or bots means them."""
    found = {one.field.name for one in walk(node) if isinstance(one, OneOf | Is | When | Within | Amount)}
    for reference in references(node):
        found |= names(filters[reference.segment_id], filters)
    return found


def check_references(node: Node, filters: Filters, own: UUID | None = None) -> None:
    """Raise Malformed when a filter mentions what is not there, comes back to itself, or grows beyond measure with what it mentions."""
    everything = {**filters, **({own: node} if own else {})}
    for reference in references(node):
        if reference.segment_id not in everything:
            raise Malformed(Fault(reference.at, "segment-unknown", "The community has no such segment."))
        if _returns(reference.segment_id, {own} if own else set(), everything):
            raise Malformed(
                Fault(reference.at, "segment-cycle", "This segment leads back to the one that it is to be part of.")
            )
    if _weight(node, everything, {}) > MOST_EXPANDED:
        raise Malformed(
            Fault("", "filter-too-large", f"With the segments that it mentions it has more than {MOST_EXPANDED} parts.")
        )


def _returns(start: UUID, path: set[UUID], filters: Filters) -> bool:
    done: set[UUID] = set()

    def visit(segment: UUID, on_path: set[UUID]) -> bool:
        if segment in on_path:
            return True
        if segment in done or segment not in filters:
            return False
        below = any(visit(one.segment_id, on_path | {segment}) for one in references(filters[segment]))
        done.add(segment)
        return below

    return visit(start, path)


def _weight(node: Node, filters: Filters, known: dict[UUID, int]) -> int:
    total = sum(1 for _ in walk(node))
    for reference in references(node):
        if reference.segment_id not in known:
            known[reference.segment_id] = _weight(filters[reference.segment_id], filters, known)
        total += known[reference.segment_id]
    return total


def dependents(segment_id: UUID, filters: Filters) -> set[UUID]:
    """Return the segments that mention a segment, directly or by way of others."""
    found: set[UUID] = set()
    fresh = {segment_id}
    while fresh:
        fresh = {
            other
            for other, node in filters.items()
            if other not in found and any(one.segment_id in fresh for one in references(node))
        }
        found |= fresh
    return found - {segment_id}
