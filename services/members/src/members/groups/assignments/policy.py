"""Which groups a member belongs in, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from contracts.members import GroupDimension


@dataclass(frozen=True)
class Rule:
    """Who comes into a group: who has one of the tags, is in one of the segments, and so on; what is empty asks nothing."""

    key: str
    group_id: UUID
    series_id: UUID
    dimension: GroupDimension
    tags: frozenset[str] = frozenset()
    segments: frozenset[UUID] = frozenset()
    locales: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    leaves: bool = False
    """Whether somebody whom it brought in leaves when it matches them no longer."""


@dataclass(frozen=True)
class Seat:
    """A group that a member is in, and by which rule; none when a person, a door or the member decided."""

    group_id: UUID
    series_id: UUID
    dimension: GroupDimension
    rule_key: str | None


@dataclass(frozen=True)
class Facts:
    """What the rules ask of a member."""

    tags: frozenset[str]
    segments: frozenset[UUID]
    locale: str
    zone: str
    series: frozenset[UUID]
    dimensions: frozenset[GroupDimension]

    def inputs(self) -> dict[str, Any]:
        """Return the facts as they are kept with a decision."""
        return {
            "tags": sorted(self.tags),
            "segments": sorted(str(one) for one in self.segments),
            "locale": self.locale,
            "zone": self.zone,
            "series": sorted(str(one) for one in self.series),
            "dimensions": sorted(self.dimensions),
        }

    @classmethod
    def of(cls, inputs: dict[str, Any]) -> Facts:
        """Return the facts that were kept with a decision."""
        return cls(
            tags=frozenset(inputs["tags"]),
            segments=frozenset(UUID(one) for one in inputs["segments"]),
            locale=inputs["locale"],
            zone=inputs["zone"],
            series=frozenset(UUID(one) for one in inputs["series"]),
            dimensions=frozenset(GroupDimension(one) for one in inputs["dimensions"]),
        )

    def after(self, seats: Sequence[Seat], left: Sequence[Seat]) -> Facts:
        """Return the facts of one who sat so and has left some of it."""
        stay = [seat for seat in seats if seat not in left]
        return replace(
            self,
            series=frozenset(seat.series_id for seat in stay),
            dimensions=frozenset(seat.dimension for seat in stay),
        )


@dataclass(frozen=True)
class Match:
    """A rule that decided, and what of the member it matched."""

    rule: Rule
    matched: str


def matched(rule: Rule, facts: Facts) -> str | None:
    """Return what of the facts a rule matches, in one line; None when it does not match, or asks nothing at all."""
    language = facts.locale.partition("-")[0]
    asked: list[tuple[str, bool, list[str]]] = [
        ("tag", bool(rule.tags), sorted(rule.tags & facts.tags)),
        ("segment", bool(rule.segments), sorted(str(one) for one in rule.segments & facts.segments)),
        ("locale", bool(rule.locales), sorted(rule.locales & {facts.locale, language})),
        ("zone", bool(rule.zones), sorted(rule.zones & {facts.zone})),
    ]
    held = [(name, found) for name, wanted, found in asked if wanted]
    if not held or not all(found for _, found in held):
        return None
    return "; ".join(f"{name} {', '.join(found)}" for name, found in held)


def decide(rules: Sequence[Rule], exclusive: Collection[GroupDimension], facts: Facts) -> list[Match]:
    """Return the rules that bring a member into a group, in the order of the rules.

    In an exclusive dimension the first rule that matches decides alone, and who has a group there gets no other.
    """
    series = set(facts.series)
    taken = set(facts.dimensions)
    decided = []
    for rule in rules:
        if rule.series_id in series or (rule.dimension in exclusive and rule.dimension in taken):
            continue
        why = matched(rule, facts)
        if why is not None:
            decided.append(Match(rule, why))
            series.add(rule.series_id)
            taken.add(rule.dimension)
    return decided


def leaving(rules: Sequence[Rule], seats: Sequence[Seat], facts: Facts) -> list[Seat]:
    """Return the seats that a member loses: given by a rule that takes back what it gave, and that matches the member no longer.

    A seat that no rule gave stays, and so does one whose rule is gone or leads elsewhere now: a change of rules empties no group.
    """
    by_key = {rule.key: rule for rule in rules if rule.leaves}
    lost = []
    for seat in seats:
        rule = by_key.get(seat.rule_key or "")
        if rule is not None and rule.series_id == seat.series_id and matched(rule, facts) is None:
            lost.append(seat)
    return lost
