"""When a door is open."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
TOKEN_BYTES = 16
"""22 characters of base64url: more than anybody can guess, and short enough for a scene of a WeChat QR code (32)."""
PERIODS = (7, 30)
"""Days after which it is counted who is still here."""


class Kind(StrEnum):
    """What carries the token."""

    LINK = "link"
    QR = "qr"


class Closed(StrEnum):
    """Why a door lets nobody in."""

    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    FULL = "full"
    COMMUNITY = "community_not_open"


WORDS = {
    Closed.WITHDRAWN: "This entry link was withdrawn.",
    Closed.EXPIRED: "This entry link has expired.",
    Closed.FULL: "As many have come through this entry link as may.",
    Closed.COMMUNITY: "The community takes no applications now.",
}


def closed(
    *,
    now: datetime,
    withdrawn_at: datetime | None,
    expires_at: datetime | None,
    most: int | None,
    used: int,
    community_open: bool = True,
) -> Closed | None:
    """Return why a door is closed, None when it is open."""
    if withdrawn_at is not None:
        return Closed.WITHDRAWN
    if expires_at is not None and expires_at <= now:
        return Closed.EXPIRED
    if not community_open:
        return Closed.COMMUNITY
    if most is not None and used >= most:
        return Closed.FULL
    return None
