"""From JSON to what an item holds: exact amounts, instants with a zone, bounded text. No value raises anything but Unfit."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis.schemas import EARLIEST, LATEST

LONGEST_TEXT = 500
LONGEST_ID = 200
MOST_TEXTS = 50
LARGEST = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact, and the latest version of anything."""
LARGEST_AMOUNT = 10**15
LARGEST_NUMBER = 10**40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AMOUNT = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_TRUTH = {"true": True, "1": True, "yes": True, "y": True, "false": False, "0": False, "no": False, "n": False}
# ISO 4217: how many digits the smallest unit is away, where it is not two.
EXPONENTS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


class Unfit(ValueError):  # noqa: N818  a verdict on a value
    """A value is not what a field takes."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def _number(value: Any, pattern: re.Pattern[str]) -> Decimal:  # noqa: ANN401  JSON
    """Return a number, or a text that is one, exactly."""
    if isinstance(value, bool):
        raise Unfit("not-a-number", "Truth is no number.")
    if isinstance(value, int) and abs(value) <= LARGEST_NUMBER:
        value = Decimal(value)
    elif isinstance(value, str) and pattern.fullmatch(value.strip()):
        value = Decimal(value.strip())
    if not isinstance(value, Decimal):
        raise Unfit("not-a-number", "This must be a number, or a text that is one.")
    # Before anything is computed: 1e999999999 is short to write and long to work out.
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > 40 or abs(value.adjusted()) > 40:  # noqa: PLR2004  far beyond any use
        raise Unfit("out-of-range", "This number is too large or too fine.")
    return value


def integer(value: Any) -> int:  # noqa: ANN401  JSON
    """Return a whole number. Raises Unfit."""
    number = _number(value, _WHOLE)
    if number != number.to_integral_value():
        raise Unfit("not-whole", "This must be a whole number.")
    if not 0 <= number <= LARGEST:
        raise Unfit("out-of-range", f"This must be from 0 to {LARGEST}.")
    return int(number)


def amount(value: Any, exponent: int) -> int:  # noqa: ANN401  JSON
    """Return a decimal amount in the smallest unit, exactly. Raises Unfit when it is finer than that."""
    _sign, digits, shift = _number(value, _AMOUNT).as_tuple()
    number, power = int("".join(map(str, digits)) or "0"), int(shift) + exponent
    if _sign and number:
        raise Unfit("negative", "An amount is not below zero.")
    whole, rest = (number * 10**power, 0) if power >= 0 else divmod(number, 10**-power)
    if rest:
        raise Unfit("too-fine", f"This currency has {exponent} decimal places.")
    return minor(whole)


def minor(value: Any) -> int:  # noqa: ANN401  JSON
    """Return an amount that is in the smallest unit already. Raises Unfit."""
    found = integer(value)
    if found > LARGEST_AMOUNT:
        raise Unfit("out-of-range", f"An amount is at most {LARGEST_AMOUNT}.")
    return found


def text(value: Any, longest: int = LONGEST_TEXT) -> str:  # noqa: ANN401  JSON
    """Return a text; whole numbers, such as ids, are taken as one. Raises Unfit."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST:
        value = str(value)
    if not isinstance(value, str):
        raise Unfit("not-text", "This must be text.")
    found: str = value.strip()
    if not found:
        raise Unfit("empty", "This must not be empty.")
    if len(found) > longest:
        raise Unfit("too-long", f"At most {longest} characters.")
    if not found.isprintable():
        raise Unfit("not-printable", "This holds characters that are no text.")
    return found


def identifier(value: Any) -> str:  # noqa: ANN401  JSON
    """Return a partner's id of something; it stands in addresses, so it holds no slash. Raises Unfit."""
    found = text(value, LONGEST_ID)
    if "/" in found or "\\" in found or found in {".", ".."}:
        raise Unfit("slash", "An id holds no slash and is not made of dots.")
    return found


def texts(value: Any) -> list[str]:  # noqa: ANN401  JSON
    """Return a list of texts, each once; one text is a list of one. Raises Unfit."""
    given = value if isinstance(value, list) else [value]
    if len(given) > MOST_TEXTS:
        raise Unfit("too-many", f"At most {MOST_TEXTS}.")
    return list(dict.fromkeys(text(one) for one in given))


def boolean(value: Any) -> bool:  # noqa: ANN401  JSON
    """Return truth: true, 1, yes, y and their opposites. Raises Unfit."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        value = {0: "0", 1: "1"}.get(value)
    known = _TRUTH.get(value.strip().lower()) if isinstance(value, str) else None
    if known is None:
        raise Unfit("not-a-boolean", "This must be true or false; use map to say which words mean which.")
    return known


def uuid(value: Any) -> str:  # noqa: ANN401  JSON
    """Return a UUID as text. Raises Unfit."""
    if not isinstance(value, str) or not _UUID.fullmatch(value.strip()):
        raise Unfit("not-a-uuid", "This must be one of our ids, a UUID.")
    return str(UUID(value.strip()))


def currency(value: Any) -> str:  # noqa: ANN401  JSON
    """Return a currency of ISO 4217. Raises Unfit."""
    found = value.strip().upper() if isinstance(value, str) else ""
    if not _CURRENCY.fullmatch(found):
        raise Unfit("not-a-currency", "This must be three letters of ISO 4217, such as CNY.")
    return found


def exponent_of(code: str) -> int:
    """Return how many decimal places a currency has."""
    return EXPONENTS.get(code, 2)


def instant(value: Any, unit: str | None = None, zone: str | None = None) -> datetime:  # noqa: ANN401  JSON
    """Return an instant: ISO 8601 with an offset, or without one in `zone`, or a number of `unit` since 1970. Raises Unfit."""
    if unit is not None:
        number = _number(value, _AMOUNT)
        micros = number * (10**6 if unit == "s" else 10**3)
        if not 0 <= micros <= LARGEST:
            raise Unfit("out-of-range", "This is no instant of our time.")
        found = _EPOCH + timedelta(microseconds=int(micros))
    else:
        found = _iso(value, zone)
    try:
        in_bounds = EARLIEST <= found <= LATEST
        found = found.astimezone(UTC)
    except (OverflowError, ValueError):
        in_bounds = False
    if not in_bounds:
        raise Unfit("out-of-range", "This is no instant of our time.")
    return found


def _iso(value: Any, zone: str | None) -> datetime:  # noqa: ANN401  JSON
    if not isinstance(value, str) or len(value) > 40 or not value.isascii():  # noqa: PLR2004  no instant is longer
        raise Unfit(
            "not-an-instant", "This must be an instant such as 2026-11-22T07:30:00+08:00; for numbers say unit."
        )
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        raise Unfit("not-an-instant", "This must be an instant such as 2026-11-22T07:30:00+08:00.") from None
    if found.tzinfo is None:
        if zone is None:
            raise Unfit("no-offset", "This instant has no offset: say in which zone it is, as zone: Asia/Shanghai.")
        found = found.replace(tzinfo=ZoneInfo(zone))
    return found


def version(value: Any, unit: str | None = None, zone: str | None = None) -> int:  # noqa: ANN401  JSON
    """Return a version: a whole number as it is, an instant as microseconds since 1970. Raises Unfit."""
    if unit is None and (not isinstance(value, str) or _WHOLE.fullmatch(value.strip())):
        found = integer(value)
    else:
        found = (instant(value, unit, zone) - _EPOCH) // timedelta(microseconds=1)
    if not 1 <= found <= LARGEST:
        raise Unfit("out-of-range", f"A version is from 1 to {LARGEST}, or an instant after 1970.")
    return found
