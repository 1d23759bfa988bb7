"""The languages that people are told things in, and which of them a reader prefers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

LANGUAGES = ("en", "zh")
"""What everything of ours can be told in; the first serves whoever asks for neither."""


def preferred(header: str | None) -> str:
    """Return the language of ours that an Accept-Language header (RFC 9110) prefers."""
    best, most = LANGUAGES[0], 0.0
    for part in (header or "")[:1000].split(","):
        tag, _, quality = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        name, _, value = quality.strip().partition("=")
        try:
            weight = float(value) if name == "q" else 1.0
        except ValueError:
            continue
        if language in LANGUAGES and most < weight <= 1:
            best, most = language, weight
    return best


async def _of_request(request: Request) -> str:
    return preferred(request.headers.get("accept-language"))


Language = Annotated[str, Depends(_of_request)]
"""The reader's language, for a route."""
