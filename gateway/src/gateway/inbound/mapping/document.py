"""Reading YAML that strangers wrote: no tags, no anchors, no key twice, nothing deep, and only words, numbers, truth and nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import yaml

from chassis.errors import Fault
from chassis.requests import CONTROL

LONGEST = 65_536
DEEPEST = 12
MOST_NODES = 20_000

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}


class DocumentError(ValueError):
    """The text is no document of ours; `fault` says where and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


def _refuse(code: str, detail: str, mark: Any = None) -> DocumentError:  # noqa: ANN401  PyYAML's marks are untyped
    where = "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"
    return DocumentError(Fault("", code, detail + where))


def _scalar(event: yaml.ScalarEvent) -> Any:  # noqa: ANN401  a word, a number, truth or nothing
    value: str = event.value
    if CONTROL.search(value):
        raise _refuse("control-character", "Control characters are not accepted.", event.start_mark)
    if event.style in {"'", '"', "|", ">"}:
        return value
    if value in _WORDS:
        return _WORDS[value]
    if _INTEGER.fullmatch(value):
        return int(value)
    return Decimal(value) if _DECIMAL.fullmatch(value) else value


class _Builder:
    """Puts the events of the parser together; a stack of its own, so that nothing is nested deeper than it allows."""

    def __init__(self) -> None:
        self.root: Any = None
        self.nodes = 0
        self._open: list[tuple[Any, list[Any]]] = []

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refuse("alias", "Anchors and aliases are not accepted: write it out.", event.start_mark)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            raise _refuse("tag", "Tags are not accepted.", event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            self._add(_scalar(event), event.start_mark)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= DEEPEST:
                raise _refuse("nested-too-deep", f"At most {DEEPEST} levels.", event.start_mark)
            made: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._add(made, event.start_mark)
            self._open.append((made, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def _add(self, value: Any, mark: Any) -> None:  # noqa: ANN401  a node and PyYAML's mark
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise _refuse("too-large", f"At most {MOST_NODES} values.", mark)
        if not self._open:
            self.root = value
            return
        holder, key = self._open[-1]
        if isinstance(holder, list):
            holder.append(value)
        elif key:
            holder[key.pop()] = value
        else:
            if not isinstance(value, str):
                raise _refuse("key", "A key must be text.", mark)
            if value in holder:
                raise _refuse("key-twice", f"{value!r} is there twice.", mark)
            key.append(value)


def read(text: str) -> Any:  # noqa: ANN401  a tree of plain values
    """Return what a YAML text says. Raises DocumentError."""
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        raise _refuse("too-large", f"A mapping has at most {LONGEST} bytes.")
    builder, documents = _Builder(), 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                raise _refuse("several-documents", "One document, please.", event.start_mark)
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _refuse(
            "yaml-invalid", f"This is not YAML: {error.problem or error.context}.", error.problem_mark
        ) from None
    except (yaml.YAMLError, UnicodeError, RecursionError):
        raise _refuse("yaml-invalid", "This is not YAML.") from None
    return builder.root
