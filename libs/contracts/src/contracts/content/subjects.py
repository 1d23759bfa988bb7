"""What a reaction, a hold or a check is about."""

from __future__ import annotations

from enum import StrEnum


class SubjectKind(StrEnum):
    """What a reaction is about."""

    POST = "post"
    COMMENT = "comment"
