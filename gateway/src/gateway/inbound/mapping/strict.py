"""Strict JSON, for what partners send: UTF-8, no name twice, nothing deep, finite numbers, and those exact."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from chassis.errors import Fault, pointer

DEEPEST = 32
LONGEST_NUMBER = 40


class NotStrictError(ValueError):
    """The bytes are no strict JSON; `fault` says where and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


def _refuse(code: str, detail: str, at: str = "") -> NotStrictError:
    return NotStrictError(Fault(at, code, detail))


class _Twice(dict[str, Any]):
    """An object that says a name twice."""

    name = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    twice, seen = _Twice(made), set()
    for name, _ in pairs:
        if name in seen:
            twice.name = name
        seen.add(name)
    return twice


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise _refuse("number-too-long", f"A number has at most {LONGEST_NUMBER} digits.")
    return int(digits)


def _decimal(digits: str) -> Decimal:
    if len(digits) > LONGEST_NUMBER:
        raise _refuse("number-too-long", f"A number has at most {LONGEST_NUMBER} digits.")
    found = Decimal(digits)
    if abs(found.adjusted()) > 2 * LONGEST_NUMBER:
        raise _refuse("number-out-of-range", "A number is larger or finer than anything real.")
    return found


def _constant(word: str) -> Any:  # noqa: ANN401  never returns
    raise _refuse("number-not-finite", f"{word} is not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_decimal, parse_int=_integer, parse_constant=_constant
)


def read(body: bytes) -> Any:  # noqa: ANN401  JSON
    """Return what a body says, numbers as int or Decimal. Raises NotStrictError."""
    try:
        document = _DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise _refuse("not-utf-8", f"Byte {error.start} is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise _refuse("json-invalid", f"It goes wrong at character {error.pos}.") from None
    except RecursionError:
        raise _refuse("nested-too-deep", f"At most {DEEPEST} levels.") from None
    _check(document)
    return document


def _check(document: Any) -> None:  # noqa: ANN401  JSON
    """Refuse what is deep, said twice, or half a character; iterative, so that depth cannot exhaust the stack."""
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(document, ())]
    while stack:
        value, place = stack.pop()
        if isinstance(value, str):
            _whole(value, place)
        elif isinstance(value, dict | list):
            if len(place) >= DEEPEST:
                raise _refuse("nested-too-deep", f"At most {DEEPEST} levels.", pointer(("body", *place[:DEEPEST])))
            if isinstance(value, _Twice):
                raise _refuse("name-twice", "This name is there twice.", _at((*place, value.name)))
            if isinstance(value, dict):
                for name in value:
                    _whole(name, place)
                stack.extend((one, (*place, name)) for name, one in value.items())
            else:
                stack.extend((one, (*place, index)) for index, one in enumerate(value))


def _whole(value: str, place: tuple[str | int, ...]) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refuse("half-a-character", "This is text that no character set can write.", _at(place)) from None


def _at(place: tuple[str | int, ...]) -> str:
    return pointer(("body", *place)).encode("utf-8", "replace").decode()
