"""Checkers that are installed here and answer at once. The composition root fills the registry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

TIMEOUT_SECONDS = 2.0


class Opinion(StrEnum):
    """What a checker says of a text."""

    ALLOWED = "allowed"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Submission:
    """What a checker is given: the fields of a text by name, and the media that belong to it. Not who wrote it."""

    texts: Mapping[str, str]
    media: Sequence[UUID]


Checker = Callable[[Submission], Awaitable[Opinion]]
CHECKERS: dict[str, Checker] = {}
"""By the name that a community's policy gives. One that fails, or is silent for 2 seconds, holds the text for a moderator."""
