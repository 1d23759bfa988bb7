"""What a tier standard is, and when it contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chassis.errors import Fault

KEEP_NUMERATOR, KEEP_DENOMINATOR = 9, 10
"""Who has entered keeps a tier with nine tenths of what entry asks, as Discourse does for its trust level 3."""
MOST_FIGURES = 40


class Metric(StrEnum):
    """What a criterion looks at. Days are the community's."""

    ACTIVE_DAYS = "active_days"
    POSTS = "posts"
    COMMENTS = "comments"
    REACTIONS_FROM_DISTINCT = "reactions_received_from_distinct"
    REACTIONS_ON_DAYS = "reactions_received_on_distinct_days"
    DAYS_SINCE_JOINED = "days_since_joined"
    LAST_ACTIVITY_DAYS_AGO = "last_activity_days_ago"


WINDOWED = frozenset(Metric) - {Metric.DAYS_SINCE_JOINED, Metric.LAST_ACTIVITY_DAYS_AGO}
COUNTS_DAYS = frozenset({Metric.ACTIVE_DAYS, Metric.REACTIONS_ON_DAYS})
ACTS = frozenset({Metric.ACTIVE_DAYS, Metric.POSTS, Metric.COMMENTS})


class StandardState(StrEnum):
    """The life of a standard."""

    DRAFT = "draft"
    ADOPTED = "adopted"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Criterion:
    """At least `threshold` of a metric within `window_days` (today included; None: ever); of the last activity, at most so many days ago."""

    metric: Metric
    threshold: int
    window_days: int | None = None

    @property
    def key(self) -> str:
        """The name of the figure that it looks at."""
        if self.metric not in WINDOWED:
            return self.metric.value
        return f"{self.metric.value}/{self.window_days or 'ever'}"

    def met(self, value: int | None) -> bool:
        """Whether a figure meets it. Who never acted has no last activity, and fails what asks for one."""
        if value is None:
            return False
        return value <= self.threshold if self.metric is Metric.LAST_ACTIVITY_DAYS_AGO else value >= self.threshold

    def eased(self) -> Criterion:
        """Return what it takes to stay, unless the standard says otherwise."""
        if self.metric is Metric.LAST_ACTIVITY_DAYS_AGO:
            threshold = self.threshold * KEEP_DENOMINATOR // KEEP_NUMERATOR
        else:
            threshold = -(-self.threshold * KEEP_NUMERATOR // KEEP_DENOMINATOR)
        return Criterion(self.metric, threshold, self.window_days)

    def implies(self, other: Criterion) -> bool:
        """Whether whoever meets this meets the other, whatever they did."""
        if self.metric is other.metric:
            if self.metric is Metric.LAST_ACTIVITY_DAYS_AGO:
                return self.threshold <= other.threshold
            longer = other.window_days is None or (
                self.window_days is not None and self.window_days <= other.window_days
            )
            return longer and self.threshold >= other.threshold
        if other.metric is Metric.LAST_ACTIVITY_DAYS_AGO:
            recent = self.window_days is not None and self.window_days - 1 <= other.threshold
            return self.metric in ACTS and self.threshold > 0 and recent
        return False


@dataclass(frozen=True)
class Rule:
    """All of `every`, and at least one of `some` unless there is none."""

    every: tuple[Criterion, ...] = ()
    some: tuple[Criterion, ...] = ()

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Every criterion that it names."""
        return self.every + self.some

    def met(self, figures: Mapping[str, int | None]) -> bool:
        """Whether figures meet it."""
        return all(one.met(figures[one.key]) for one in self.every) and (
            not self.some or any(one.met(figures[one.key]) for one in self.some)
        )

    def eased(self) -> Rule:
        """Return what it takes to stay, unless the standard says otherwise."""
        return Rule(tuple(one.eased() for one in self.every), tuple(one.eased() for one in self.some))

    def implies_criterion(self, other: Criterion) -> bool:
        """Whether whoever meets this rule meets the criterion."""
        return any(one.implies(other) for one in self.every) or (
            bool(self.some) and all(one.implies(other) for one in self.some)
        )

    def implies_some(self, others: Sequence[Criterion]) -> bool:
        """Whether whoever meets this rule meets at least one of the criteria."""
        if not others or any(self.implies_criterion(other) for other in others):
            return True
        return bool(self.some) and all(any(one.implies(other) for other in others) for one in self.some)

    def implies(self, other: Rule) -> bool:
        """Whether whoever meets this rule meets the other; may say no where a cleverer proof would say yes."""
        return all(self.implies_criterion(one) for one in other.every) and self.implies_some(other.some)


EVERYBODY = Rule()


@dataclass(frozen=True)
class Tier:
    """A tier: its code, and what it takes to come in and to stay."""

    code: str
    entry: Rule
    keep: Rule


@dataclass(frozen=True)
class Standard:
    """A standard, its tiers from the lowest to the highest; everybody may be in the lowest."""

    version: int
    grace_days: int
    tiers: tuple[Tier, ...]

    @property
    def codes(self) -> list[str]:
        """The tiers' codes, lowest first."""
        return [tier.code for tier in self.tiers]

    @property
    def figures(self) -> dict[str, Criterion]:
        """Every figure that is looked at, by its name, with a criterion that looks at it."""
        criteria = (one for tier in self.tiers for rule in (tier.entry, tier.keep) for one in rule.criteria)
        return {one.key: one for one in sorted(criteria, key=lambda one: one.key)}

    def rank(self, code: str | None) -> int | None:
        """Return a tier's place, 0 for the lowest, None for none of these."""
        return self.codes.index(code) if code in self.codes else None


def read_rule(document: Mapping[str, Any]) -> Rule:
    """Read a rule from JSON that a schema let through."""

    def criteria(name: str) -> tuple[Criterion, ...]:
        return tuple(
            Criterion(Metric(one["metric"]), one["threshold"], one.get("window_days"))
            for one in document.get(name) or ()
        )

    return Rule(criteria("all"), criteria("any"))


def write_rule(rule: Rule) -> dict[str, Any]:
    """Return a rule as JSON."""

    def criteria(of: tuple[Criterion, ...]) -> list[dict[str, Any]]:
        return [{"metric": one.metric.value, "threshold": one.threshold, "window_days": one.window_days} for one in of]

    return {"all": criteria(rule.every), "any": criteria(rule.some)}


def read(version: int, grace_days: int, tiers: Sequence[Mapping[str, Any]]) -> Standard:
    """Read a standard from JSON that a schema let through, with what it leaves unsaid."""
    found = []
    for document in tiers:
        entry = read_rule(document.get("entry") or {})
        keep = read_rule(document["keep"]) if document.get("keep") else entry.eased()
        found.append(Tier(document["code"], entry, keep))
    return Standard(version, grace_days, tuple(found))


def faults(tiers: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """Return what contradicts in a standard's tiers, each with its place."""
    standard = read(1, 0, tiers)
    found = [
        Fault(f"/tiers/{place}/code", "code-twice", f"Two tiers are called {tier.code}.")
        for place, tier in enumerate(standard.tiers)
        if tier.code in standard.codes[:place]
    ]
    found += [
        Fault(f"/tiers/0/{name}", "lowest-tier-open", "The lowest tier takes everybody, and nobody falls out of it.")
        for name in ("entry", "keep")
        if tiers[0].get(name) is not None
    ]
    for place, document in enumerate(tiers):
        if place:
            found += _tier_faults(place, document, standard)
    if len(standard.figures) > MOST_FIGURES:
        found.append(Fault("/tiers", "too-many-figures", f"At most {MOST_FIGURES} different metrics and windows."))
    return found


def _tier_faults(place: int, document: Mapping[str, Any], standard: Standard) -> Iterator[Fault]:
    at, tier = f"/tiers/{place}", standard.tiers[place]
    if document.get("entry") is None:
        yield Fault(f"{at}/entry", "entry-missing", "Every tier but the lowest says what it takes to come in.")
        return
    for name in ("entry", "keep"):
        if document.get(name) is not None:
            yield from _rule_faults(f"{at}/{name}", read_rule(document[name]))
    for list_name, criteria in (("all", tier.keep.every), ("any", tier.keep.some)):
        for index, one in enumerate(criteria):
            implied = tier.entry.implies_criterion(one) if list_name == "all" else tier.entry.implies_some(criteria)
            if not implied:
                words = "Staying asks what coming in does not: whoever enters could fall at once, and rise again."
                yield Fault(f"{at}/keep/{list_name}/{index}", "keep-stricter", words)
    for higher in range(place + 1, len(standard.tiers)):
        if standard.tiers[higher].entry.criteria and tier.entry.implies(standard.tiers[higher].entry):
            words = f"Whoever could come in meets {standard.tiers[higher].code}, which is higher: nobody would enter."
            yield Fault(f"{at}/entry", "unreachable", words)
            break


def _rule_faults(at: str, rule: Rule) -> Iterator[Fault]:
    if not rule.criteria:
        yield Fault(at, "rule-empty", "A rule names at least one criterion.")
    for name, criteria in (("all", rule.every), ("any", rule.some)):
        seen: set[str] = set()
        for index, one in enumerate(criteria):
            where = f"{at}/{name}/{index}"
            if one.key in seen:
                yield Fault(where, "criterion-twice", f"{one.key} is asked twice: one of them says nothing.")
            seen.add(one.key)
            if one.metric not in WINDOWED and one.window_days is not None:
                yield Fault(f"{where}/window_days", "window-not-taken", f"{one.metric.value} has no window.")
            if one.threshold < 1 and one.metric is not Metric.LAST_ACTIVITY_DAYS_AGO:
                yield Fault(f"{where}/threshold", "threshold-empty", "Everybody has at least 0.")
            if one.metric in COUNTS_DAYS and one.window_days is not None and one.threshold > one.window_days:
                words = f"{one.window_days} days have no {one.threshold} days."
                yield Fault(f"{where}/threshold", "unreachable", words)
