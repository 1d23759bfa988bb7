"""Reasons: kept as a code and parameters, told on read in the reader's language. Each noun registers its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

LANGUAGES = ("en", "zh")
"""What every reason can be told in; the first serves whoever asks for neither."""

_WORDS: dict[str, Mapping[str, str]] = {}


@dataclass(frozen=True)
class Reason:
    """Why something was decided."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


def register(words: Mapping[str, Mapping[str, str]]) -> None:
    """Add a noun's words: code → language → text with `{parameters}`. Raises ValueError for a code twice or a language missing."""
    for code, texts in words.items():
        if code in _WORDS and _WORDS[code] != texts:
            raise ValueError(f"{code} has words already")
        if set(LANGUAGES) - set(texts):
            raise ValueError(f"{code} has no words in {sorted(set(LANGUAGES) - set(texts))}")
        _WORDS[code] = texts


def render(reason: Reason, language: str) -> str:
    """Return the reason's words; a code without words stands for itself."""
    texts = _WORDS.get(reason.code)
    if texts is None:
        return reason.code
    return texts[language if language in texts else LANGUAGES[0]].format_map(_Params(reason.params))


class _Params(dict[str, Any]):
    """A reason that was kept before it had a parameter is told without it."""

    def __missing__(self, key: str) -> str:
        return "–"


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


def choose(texts: Mapping[str, str], language: str) -> str | None:
    """Return what an operator wrote in this language or its variants, else in one of ours, else in any."""
    for wanted in (language, *LANGUAGES):
        for tag, text in sorted(texts.items()):
            if tag.partition("-")[0] == wanted:
                return text
    return next((text for _, text in sorted(texts.items())), None)


async def _of_request(request: Request) -> str:
    return preferred(request.headers.get("accept-language"))


Language = Annotated[str, Depends(_of_request)]
"""The reader's language, for a route."""
