"""The language of mappings: read strictly once, applied to any message without ever raising."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from chassis.errors import Fault, pointer
from chassis.schemas import EVERY_ZONE
from gateway.inbound.mapping import document, values
from gateway.inbound.mapping.kinds import KINDS, TYPES, FieldKind
from gateway.inbound.mapping.paths import MISSING, Path, compile_path

LANGUAGE: Final = 1
MOST_RULES = 50
MOST_ITEMS = 1000
"""Items of one message."""
MOST_CONDITIONS = 10
MOST_FAULTS = 20
MOST_WORDS = 200
DEFAULT_SOURCE = "crm"

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a message says. `version` orders all that is said of `key`; `fields` hold the converted values."""

    kind: str
    external_id: str
    version: int
    fields: dict[str, Any]

    @property
    def key(self) -> str:
        """What its versions are counted for: a contact's tags by community, its consents by purpose."""
        within = {"tags": "community_id", "consent": "purpose"}.get(self.kind)
        return self.external_id if within is None else f"{self.external_id}\x1f{self.fields[within]}"


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a rule is for a message."""

    path: Path
    test: str
    words: tuple[Any, ...]

    def holds(self, message: Any, element: Any) -> bool:  # noqa: ANN401  JSON
        """Whether a message, or an element of it, is such."""
        found = self.path.find(message, element)
        if self.test == "exists":
            return (found is not MISSING and found is not None) is self.words[0]
        among = any(_alike(found, word) for word in self.words)
        return among is (self.test in {"equals", "in"})


def _alike(found: Any, word: Any) -> bool:  # noqa: ANN401  JSON
    # In Python true is 1; here it is not.
    return isinstance(found, bool) is isinstance(word, bool) and type(found) is not dict and bool(found == word)


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Where a field's value comes from, and what is made of it."""

    path: Path | None
    value: Any
    convert: str
    default: Any = MISSING
    words: Mapping[str, Any] | None = None
    unit: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """How items of one kind are made."""

    kind: str
    conditions: tuple[Condition, ...]
    each: Path | None
    fields: dict[str, FieldRule]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A mapping that was read."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mapping makes of a message. With faults there are no items: a message counts whole or not at all."""

    items: tuple[Item, ...] = ()
    faults: tuple[Fault, ...] = ()


class _Reader:
    """Collects what is wrong with a mapping, place by place."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def blame(self, place: Place, code: str, detail: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(pointer(("body", *place)), code, detail))

    def known(self, given: Any, place: Place, names: Iterable[str]) -> dict[str, Any]:  # noqa: ANN401  YAML
        """Return a mapping's entries, blaming each that has a name of its own."""
        if not isinstance(given, dict):
            self.blame(place, "not-an-object", f"This takes entries: {', '.join(sorted(names))}.")
            return {}
        names = set(names)
        for name in given:
            if name not in names:
                self.blame((*place, name), "unknown-name", f"There is no {name!r} here.{nearest(name, names)}")
        return given

    def path(self, given: Any, place: Place, *, element: bool) -> Path | None:  # noqa: ANN401  YAML
        found = compile_path(given) if isinstance(given, str) else None
        if found is None:
            self.blame(place, "path", "A path is such as $.order.lines[0].sku, or @.sku from an element of each.")
        elif found.element and not element:
            self.blame(place, "path", "@ is an element of each, and this rule has none.")
        return found


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the words that name what was probably meant."""
    close = get_close_matches(name, sorted(names), 1, 0.5)
    return f" Did you mean {close[0]!r}?" if close else f" Known are {', '.join(sorted(names))}."


def compile_mapping(text: str) -> tuple[Compiled | None, tuple[Fault, ...]]:
    """Read a mapping: the result, or what is wrong with it. Never raises."""
    try:
        given = document.read(text)
    except document.DocumentError as error:
        return None, (error.fault,)
    reader = _Reader()
    top = reader.known(given, (), ("version", "items"))
    if top.get("version") != LANGUAGE:
        reader.blame(("version",), "language", f"Say version: {LANGUAGE}, the version of this language.")
    listed = top.get("items")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_RULES:
        reader.blame(("items",), "items", f"Give 1 to {MOST_RULES} items.")
        listed = []
    rules = [_rule(reader, one, ("items", index)) for index, one in enumerate(listed)]
    if reader.faults:
        return None, tuple(reader.faults)
    return Compiled(tuple(rule for rule in rules if rule is not None)), ()


def _rule(reader: _Reader, given: Any, place: Place) -> Rule | None:  # noqa: ANN401  YAML
    entries = reader.known(given, place, ("kind", "when", "each", "fields"))
    kind = entries.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        reader.blame((*place, "kind"), "unknown-kind", f"There is no kind {kind!r}.{nearest(str(kind), KINDS)}")
        return None
    each = reader.path(entries["each"], (*place, "each"), element=False) if "each" in entries else None
    element = "each" in entries
    conditions = _conditions(reader, entries.get("when", []), (*place, "when"), element=element)
    fields = _fields(reader, kind, entries.get("fields"), (*place, "fields"), element=element)
    return Rule(kind, conditions, each, fields)


_TESTS = ("equals", "not_equals", "in", "exists")


def _conditions(reader: _Reader, given: Any, place: Place, *, element: bool) -> tuple[Condition, ...]:  # noqa: ANN401  YAML
    listed = given if isinstance(given, list) else [given]
    if len(listed) > MOST_CONDITIONS:
        reader.blame(place, "too-many", f"At most {MOST_CONDITIONS} conditions.")
    found = []
    for index, one in enumerate(listed[:MOST_CONDITIONS]):
        here = (*place, index) if isinstance(given, list) else place
        entries = reader.known(one, here, ("path", *_TESTS))
        tests = [name for name in _TESTS if name in entries]
        if len(tests) != 1:
            reader.blame(here, "condition", f"A condition has a path and one of {', '.join(_TESTS)}.")
            continue
        [test] = tests
        words = entries[test] if test == "in" else [entries[test]]
        if (
            not isinstance(words, list)
            or len(words) > MOST_WORDS
            or any(isinstance(word, dict | list) for word in words)
        ):
            reader.blame(
                (*here, test), "condition", "This takes words, numbers, true or false; in takes a list of them."
            )
            continue
        if test == "exists" and not isinstance(words[0], bool):
            reader.blame((*here, test), "condition", "exists is true or false.")
            continue
        path = reader.path(entries.get("path"), (*here, "path"), element=element)
        if path is not None:
            found.append(Condition(path, test, tuple(words)))
    return tuple(found)


def _fields(reader: _Reader, kind: str, given: Any, place: Place, *, element: bool) -> dict[str, FieldRule]:  # noqa: ANN401  YAML
    known = KINDS[kind]
    entries = reader.known(given, place, known)
    for name, field in known.items():
        if field.required and name not in entries:
            reader.blame((*place, name), "missing", f"An item of kind {kind} needs {name}.")
    if kind == "tags" and not entries.keys() & {"add", "remove"}:
        reader.blame((*place, "add"), "missing", "An item of kind tags needs add or remove.")
    found = {}
    for name, one in entries.items():
        if name in known:
            rule = _field(reader, known[name], one, (*place, name), element=element)
            if rule is not None:
                found[name] = rule
    return found


_OPTIONS = ("path", "value", "as", "default", "map", "unit", "zone")


def _field(reader: _Reader, field: FieldKind, given: Any, place: Place, *, element: bool) -> FieldRule | None:  # noqa: ANN401  YAML
    entries = reader.known({"path": given} if isinstance(given, str) else given, place, _OPTIONS)
    if ("path" in entries) == ("value" in entries):
        reader.blame(place, "source", "A field comes from a path or is a value.")
        return None
    conversions = TYPES[field.type]
    convert = entries.get("as", conversions[0])
    if field.type == "amount" and "as" not in entries:
        reader.blame(
            (*place, "as"), "missing", "Say as: fen for 199.00, or as: integer for 19900 in the smallest unit."
        )
    if convert not in conversions:
        reader.blame((*place, "as"), "conversion", f"This field takes as: {' or '.join(conversions)}.")
    words, unit, zone = entries.get("map"), entries.get("unit"), entries.get("zone")
    if words is not None and (
        not isinstance(words, dict)
        or len(words) > MOST_WORDS
        or any(isinstance(word, dict | list) for word in words.values())
    ):
        reader.blame((*place, "map"), "map", "map gives a word for each word.")
    if unit not in (None, "s", "ms"):
        reader.blame((*place, "unit"), "unit", "unit is s or ms.")
    if zone is not None and (not isinstance(zone, str) or zone not in EVERY_ZONE):
        reader.blame((*place, "zone"), "zone", "zone is of the IANA database, such as Asia/Shanghai.")
    path = None
    if "path" in entries:
        path = reader.path(entries["path"], place if isinstance(given, str) else (*place, "path"), element=element)
    rule = FieldRule(path, entries.get("value"), convert, entries.get("default", MISSING), words, unit, zone)
    if path is None and "value" in entries and not reader.faults and field.type != "amount":
        try:
            _convert(rule, rule.value, field, "")
        except values.Unfit as error:
            reader.blame((*place, "value"), error.code, error.detail)
    return rule


def apply_mapping(mapping: Compiled, message: Any) -> Reading:  # noqa: ANN401  JSON
    """Return what a mapping makes of a message; pointers of faults are into the mapping. Never raises."""
    items: list[Item] = []
    faults: list[Fault] = []
    for index, rule in enumerate(mapping.rules):
        place = f"/items/{index}"
        for where, element in _elements(rule, message, place, faults):
            if not all(condition.holds(message, element) for condition in rule.conditions):
                continue
            made = _item(rule, f"{place}/fields/", message, element, where, faults)
            if made is not None:
                items.append(made)
            if len(items) > MOST_ITEMS:
                faults.append(Fault(place, "too-many", f"A message has at most {MOST_ITEMS} items."))
            if len(items) > MOST_ITEMS or len(faults) >= MOST_FAULTS:
                return Reading(faults=tuple(faults[:MOST_FAULTS]))
    return Reading(faults=tuple(faults)) if faults else Reading(items=tuple(items))


def _elements(rule: Rule, message: Any, place: str, faults: list[Fault]) -> list[tuple[str, Any]]:  # noqa: ANN401  JSON
    """Return what a rule is applied to, each with words that tell it from the others: the message, or each element of a list."""
    if rule.each is None:
        return [("", None)]
    found = rule.each.find(message, None)
    if found is MISSING or found is None:
        return []
    if not isinstance(found, list) or len(found) > MOST_ITEMS:
        words = f"{rule.each.text} is no list of at most {MOST_ITEMS} elements."
        faults.append(Fault(f"{place}/each", "not-a-list", words))
        return []
    return [(f" (element {number} of {rule.each.text})", one) for number, one in enumerate(found)]


def _item(rule: Rule, place: str, message: Any, element: Any, where: str, faults: list[Fault]) -> Item | None:  # noqa: ANN401  JSON
    fields: dict[str, Any] = {}
    known, before = KINDS[rule.kind], len(faults)
    # The currency first: it says how many decimal places an amount has.
    for name in sorted(rule.fields, key=lambda one: one != "currency"):
        field, from_ = known[name], rule.fields[name]
        found = from_.value if from_.path is None else from_.path.find(message, element)
        if found is MISSING or found is None:
            found = from_.default
        if found is MISSING or found is None:
            if field.required:
                at = "" if from_.path is None else f" There is nothing at {from_.path.text}."
                faults.append(Fault(place + name, "missing", f"{name} is needed.{at}{where}"))
            continue
        try:
            fields[name] = _convert(from_, found, field, fields.get("currency", ""))
        except values.Unfit as error:
            faults.append(Fault(place + name, error.code, f"{error.detail}{where}"))
    if len(faults) > before:
        return None
    if rule.kind in {"order", "refund"}:
        fields.setdefault("source", DEFAULT_SOURCE)
    external_id, version = fields.pop("external_id"), fields.pop("version", 1)
    return Item(rule.kind, external_id, version, fields)


_CONVERSIONS: dict[tuple[str, str], Callable[[Any, FieldRule, str], Any]] = {
    ("id", "text"): lambda found, _rule, _currency: found,
    ("id", "lower"): lambda found, _rule, _currency: found.lower(),
    ("text", "text"): lambda found, _rule, _currency: values.text(found),
    ("text", "lower"): lambda found, _rule, _currency: values.text(found).lower(),
    ("texts", "texts"): lambda found, _rule, _currency: values.texts(found),
    ("boolean", "boolean"): lambda found, _rule, _currency: values.boolean(found),
    ("uuid", "uuid"): lambda found, _rule, _currency: values.uuid(found),
    ("currency", "currency"): lambda found, _rule, _currency: values.currency(found),
    ("instant", "instant"): lambda found, rule, _currency: values.instant(found, rule.unit, rule.zone),
    ("version", "version"): lambda found, rule, _currency: values.version(found, rule.unit, rule.zone),
    ("version", "integer"): lambda found, _rule, _currency: values.version(values.integer(found)),
    ("version", "instant"): lambda found, _rule, _currency: values.version(found),
    ("amount", "fen"): lambda found, _rule, currency: values.amount(found, values.exponent_of(currency)),
    ("amount", "integer"): lambda found, _rule, _currency: values.minor(found),
}


def _convert(rule: FieldRule, found: Any, field: FieldKind, currency: str) -> Any:  # noqa: ANN401  JSON
    if rule.words is not None and (isinstance(found, str) or (isinstance(found, int) and abs(found) <= values.LARGEST)):
        word = str(found).lower() if isinstance(found, bool) else str(found)
        found = rule.words.get(word, found)
    if found is None:
        raise values.Unfit("empty", "This must not be empty.")
    if field.type == "id":
        found = values.identifier(found)
    if rule.convert == "instant" and field.type == "version":
        found = values.instant(found, rule.unit, rule.zone).isoformat()
    return _CONVERSIONS[field.type, rule.convert](found, rule, currency)
