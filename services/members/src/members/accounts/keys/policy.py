"""Which key signs, which keys are published, and when the next one comes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from chassis.tokens import TOKEN_SECONDS

OVERLAP = timedelta(minutes=5)
"""A key is published this long before it signs: verifiers and the gateway in front of them each cache for a minute."""
KEPT_AFTER = timedelta(seconds=TOKEN_SECONDS) + timedelta(minutes=1)
"""A key is published this long after its last signature: the life of a token, and a minute for clocks that differ."""
ROTATED_EVERY = timedelta(days=30)


class KeyFacts(Protocol):
    """What decides about a key."""

    @property
    def kid(self) -> str:
        """Its name."""

    @property
    def signs_from(self) -> datetime:
        """When it takes over."""

    @property
    def withdrawn_at(self) -> datetime | None:
        """When it was found to be compromised."""


K = TypeVar("K", bound=KeyFacts)


def _reign(keys: Iterable[K]) -> list[K]:
    """Return the keys that signed, sign or will, in their order; a key that was withdrawn before its turn never signed."""
    signing = (key for key in keys if key.withdrawn_at is None or key.withdrawn_at >= key.signs_from)
    return sorted(signing, key=lambda key: (key.signs_from, key.withdrawn_at is None, key.kid))


def signer(keys: Iterable[K], now: datetime) -> K | None:
    """Return the key that signs now: the one that took over last; none when that one was withdrawn."""
    started = [key for key in _reign(keys) if key.signs_from <= now]
    return started[-1] if started and started[-1].withdrawn_at is None else None


def published(keys: Iterable[K], now: datetime) -> list[K]:
    """Return the keys to publish: those to come, the one that signs, and each before it until its last token has expired."""
    reign = _reign(keys)
    ends = [*(successor.signs_from + KEPT_AFTER for successor in reign[1:]), None]
    return [
        key for key, end in zip(reign, ends, strict=False) if key.withdrawn_at is None and (end is None or end > now)
    ]


def upcoming(keys: Iterable[K], now: datetime) -> K | None:
    """Return the key that is published and does not sign yet, if there is one."""
    coming = [key for key in _reign(keys) if key.signs_from > now and key.withdrawn_at is None]
    return coming[0] if coming else None


def start_of_next(keys: Iterable[KeyFacts], now: datetime) -> datetime:
    """Return when a key that is made now starts to sign: after the overlap, or at once when nothing can sign."""
    return now + OVERLAP if signer(keys, now) else now
