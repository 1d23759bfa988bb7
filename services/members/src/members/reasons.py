"""Reasons: kept as a code and parameters, told on read in the reader's language. Each noun registers its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chassis.languages import LANGUAGES

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


def choose(texts: Mapping[str, str], language: str) -> str | None:
    """Return what an operator wrote in this language or its variants, else in one of ours, else in any."""
    for wanted in (language, *LANGUAGES):
        for tag, text in sorted(texts.items()):
            if tag.partition("-")[0] == wanted:
                return text
    return next((text for _, text in sorted(texts.items())), None)
