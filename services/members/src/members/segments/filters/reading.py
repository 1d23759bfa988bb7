"""The syntax of filters: JSON in, a tree out, with a fault for everything that cannot be meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.errors import Fault
from members.segments.filters.fields import FIELDS, LATER, Field, Kind
from members.segments.filters.policy import (
    LARGEST_AMOUNT,
    LARGEST_BUCKETS,
    LARGEST_NUMBER,
    LONGEST_VALUE,
    LONGEST_WINDOW,
    MOST_DEPTH,
    MOST_NODES,
    MOST_VALUES,
    Amount,
    Bucket,
    Comparison,
    Count,
    Either,
    Every,
    Figure,
    InSegment,
    Is,
    Malformed,
    NeverActive,
    Node,
    Not,
    OneOf,
    When,
    Within,
    references,
)


def read(document: Any, at: str = "/filter") -> Node:  # noqa: ANN401  JSON
    """Read a filter. Raises Malformed."""
    return _Reader().node(document, at, 1)


@dataclass(frozen=True)
class Understood:
    """The filters of a community's segments: `sound` ones can be asked, `faults` say why the others cannot.

    `readable` holds also those that only mention a segment which cannot be asked.
    """

    sound: dict[UUID, Node]
    readable: dict[UUID, Node]
    faults: dict[UUID, Fault]


def understand(documents: Mapping[UUID, Any]) -> Understood:
    """Read filters that may mention one another. What was saved may have lost a field or a segment since: nothing is raised."""
    readable: dict[UUID, Node] = {}
    faults: dict[UUID, Fault] = {}
    for identifier, document in documents.items():
        try:
            readable[identifier] = read(document)
        except Malformed as malformed:
            faults[identifier] = malformed.faults[0]
    sound: dict[UUID, Node] = {}
    waiting = dict(readable)
    while fresh := {
        identifier: node
        for identifier, node in waiting.items()
        if all(one.segment_id in sound for one in references(node))
    }:
        sound |= fresh
        waiting = {identifier: node for identifier, node in waiting.items() if identifier not in fresh}
    for identifier, node in waiting.items():
        lost = next(one for one in references(node) if one.segment_id not in sound)
        if lost.segment_id in documents:
            faults[identifier] = Fault(lost.at, "segment-broken", "The segment that it mentions cannot be asked.")
        else:
            faults[identifier] = Fault(lost.at, "segment-unknown", "The community has no such segment.")
    return Understood(sound, readable, faults)


class _Reader:
    def __init__(self) -> None:
        self.nodes = 0

    def node(self, document: Any, at: str, depth: int) -> Node:  # noqa: ANN401  JSON
        self.nodes += 1
        if depth > MOST_DEPTH:
            raise Malformed(Fault(at, "filter-too-deep", f"Filters nest at most {MOST_DEPTH} deep."))
        if self.nodes > MOST_NODES:
            raise Malformed(Fault(at, "filter-too-large", f"A filter has at most {MOST_NODES} parts."))
        if not isinstance(document, dict):
            raise Malformed(Fault(at, "object-type", "A condition is an object."))
        for form, (read_form, allowed) in _FORMS.items():
            if form in document:
                for key in document:
                    if key not in allowed:
                        raise Malformed(Fault(f"{at}/{_escape(key)}", "extra-forbidden", f"Not part of {form!r}."))
                return read_form(self, document, at, depth)
        raise Malformed(
            Fault(at, "condition-unknown", f"A condition has one of these keys: {', '.join(_FORMS)}; this has none.")
        )

    def every(self, document: dict[str, Any], at: str, depth: int) -> Node:
        return Every(self._list(document["all"], f"{at}/all", depth))

    def either(self, document: dict[str, Any], at: str, depth: int) -> Node:
        found = self._list(document["any"], f"{at}/any", depth)
        if not found:
            raise Malformed(Fault(f"{at}/any", "too-short", "Any of nothing is nobody: name at least one condition."))
        return Either(found)

    def negation(self, document: dict[str, Any], at: str, depth: int) -> Node:
        return Not(self.node(document["not"], f"{at}/not", depth + 1))

    def _list(self, documents: Any, at: str, depth: int) -> tuple[Node, ...]:  # noqa: ANN401  JSON
        if not isinstance(documents, list):
            raise Malformed(Fault(at, "list-type", "A list of conditions is needed."))
        return tuple(self.node(one, f"{at}/{place}", depth + 1) for place, one in enumerate(documents))

    def field(self, document: dict[str, Any], at: str, _depth: int) -> Node:
        name = document["field"]
        known = FIELDS.get(name) if isinstance(name, str) else None
        if known is None:
            if isinstance(name, str) and name in LATER:
                raise Malformed(Fault(f"{at}/field", "field-not-available", f"Nothing here knows of {name} yet."))
            raise Malformed(
                Fault(f"{at}/field", "field-unknown", f"There is no such field; there are {', '.join(sorted(FIELDS))}.")
            )
        operator = _choice(document, "op", at, _OPERATORS[known.kind])
        value = _needed(document, "value", at)
        at = f"{at}/value"
        if known.kind is Kind.FLAG:
            if not isinstance(value, bool):
                raise Malformed(Fault(at, "bool-type", "true or false is needed."))
            return Is(known, value)
        if known.kind is Kind.TIME:
            if operator == "within_days":
                return Within(known, _integer(value, at, 1, LONGEST_WINDOW))
            return When(known, operator == "before", _instant(value, at))
        if known.kind is Kind.NUMBER:
            return Amount(known, Comparison(operator), _integer(value, at, 0, LARGEST_AMOUNT))
        values = _values(known, value, at, many=operator in {"in", "not_in"})
        leaf = OneOf(known, values)
        return Not(leaf) if operator in {"!=", "not_in"} else leaf

    def fact(self, document: dict[str, Any], at: str, _depth: int) -> Node:
        figure = Figure(_choice(document, "fact", at, tuple(Figure)))
        comparison = Comparison(_choice(document, "op", at, tuple(Comparison)))
        window = document.get("window_days")
        if window is not None:
            if figure is Figure.LAST_ACTIVITY_DAYS_AGO:
                raise Malformed(Fault(f"{at}/window_days", "extra-forbidden", "The last activity has no window."))
            window = _integer(window, f"{at}/window_days", 1, LONGEST_WINDOW)
        return Count(
            figure, window, comparison, _integer(_needed(document, "value", at), f"{at}/value", 0, LARGEST_NUMBER)
        )

    def never(self, document: dict[str, Any], at: str, _depth: int) -> Node:
        if document["never_active"] is not True:
            raise Malformed(Fault(f"{at}/never_active", "literal-error", "Only true; put it into a `not` otherwise."))
        return NeverActive()

    def segment(self, document: dict[str, Any], at: str, _depth: int) -> Node:
        return InSegment(_uuid(document["segment"], f"{at}/segment"), f"{at}/segment")

    def random(self, document: dict[str, Any], at: str, _depth: int) -> Node:
        at = f"{at}/random"
        inner = document["random"]
        if not isinstance(inner, dict):
            raise Malformed(Fault(at, "object-type", "An object with salt, bucket and of is needed."))
        for key in inner:
            if key not in {"salt", "bucket", "of"}:
                raise Malformed(Fault(f"{at}/{_escape(key)}", "extra-forbidden", "Not part of 'random'."))
        salt = _text(_needed(inner, "salt", at), f"{at}/salt")
        of = _integer(_needed(inner, "of", at), f"{at}/of", 2, LARGEST_BUCKETS)
        return Bucket(salt, _integer(_needed(inner, "bucket", at), f"{at}/bucket", 0, of - 1), of)


_ReadForm = Callable[[_Reader, dict[str, Any], str, int], Node]
_FORMS: dict[str, tuple[_ReadForm, frozenset[str]]] = {
    "all": (_Reader.every, frozenset({"all"})),
    "any": (_Reader.either, frozenset({"any"})),
    "not": (_Reader.negation, frozenset({"not"})),
    "field": (_Reader.field, frozenset({"field", "op", "value"})),
    "fact": (_Reader.fact, frozenset({"fact", "window_days", "op", "value"})),
    "never_active": (_Reader.never, frozenset({"never_active"})),
    "segment": (_Reader.segment, frozenset({"segment"})),
    "random": (_Reader.random, frozenset({"random"})),
}
_OPERATORS: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("=", "!=", "in", "not_in"),
    Kind.SET: ("=", "!=", "in", "not_in"),
    Kind.FLAG: ("=",),
    Kind.TIME: ("before", "after", "within_days"),
    Kind.NUMBER: tuple(Comparison),
}


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _needed(document: dict[str, Any], key: str, at: str) -> Any:  # noqa: ANN401  JSON
    if key not in document:
        raise Malformed(Fault(f"{at}/{key}", "missing", "Field required"))
    return document[key]


def _choice(document: dict[str, Any], key: str, at: str, choices: tuple[str, ...]) -> str:
    value = _needed(document, key, at)
    if not isinstance(value, str) or value not in choices:
        raise Malformed(Fault(f"{at}/{key}", "enum", f"One of {', '.join(choices)} is needed."))
    return value


def _integer(value: Any, at: str, least: int, most: int) -> int:  # noqa: ANN401  JSON
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Malformed(Fault(at, "int-type", f"A whole number from {least} to {most} is needed."))
    return value


def _text(value: Any, at: str) -> str:  # noqa: ANN401  JSON
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_VALUE:
        raise Malformed(Fault(at, "string-type", f"A text of 1 to {LONGEST_VALUE} characters is needed."))
    return value


def _uuid(value: Any, at: str) -> UUID:  # noqa: ANN401  JSON
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise Malformed(Fault(at, "uuid-parsing", "An id is needed.")) from None


def _instant(value: Any, at: str) -> datetime:  # noqa: ANN401  JSON
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is not None:
            return instant
    except (ValueError, TypeError):
        pass
    raise Malformed(Fault(at, "datetime-parsing", "An instant with an offset is needed, such as 2026-11-22T07:30:00Z."))


def _values(known: Field, value: Any, at: str, *, many: bool) -> tuple[str, ...]:  # noqa: ANN401  JSON
    if many and (not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES):
        raise Malformed(Fault(at, "list-type", f"A list of 1 to {MOST_VALUES} values is needed."))
    places = [(one, f"{at}/{place}") for place, one in enumerate(value)] if many else [(value, at)]
    read_values = []
    for one, where in places:
        if known.ids:
            read_values.append(str(_uuid(one, where)))
            continue
        read_values.append(_text(one, where))
        if known.values is not None and one not in known.values:
            raise Malformed(Fault(where, "enum", f"One of {', '.join(sorted(known.values))} is needed."))
    return tuple(dict.fromkeys(read_values))
