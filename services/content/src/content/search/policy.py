"""What a search looks for, and where in a text it is found: decisions over plain values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

LONGEST_QUERY = 200
MOST_TERMS = 10
SNIPPET = 160
BEFORE = 40
_WORD = "0-9a-z\u00b5\u00c0-\u0dff\u0f00-\u1fff"
_SIGMA = "\u03a3"
_MENTION = re.compile(r"<@[0-9a-fA-F-]{36}>")
_WIDE = {0xFF01 + offset: 0x21 + offset for offset in range(0x5E)} | {0x3000: 0x20, 0xA0: 0x20, 1: 0x20}


def fold(said: str) -> str:
    """Return a text as it is compared: small letters, full width as half, mentions blank; letter for letter, so that places stay.

    The same as `search_words` in PostgreSQL, but for its marks.
    """
    blank = _MENTION.sub(lambda found: " " * len(found[0]), said).translate(_WIDE)
    small = blank.lower()
    # A few letters become two, and a sigma goes by what stands behind it: then one by one.
    if len(small) == len(blank) and _SIGMA not in blank:
        return small
    return "".join(letter.lower()[0] for letter in blank)


def terms(query: str) -> list[str]:
    """Return what a query asks for: its parts between blanks, each once; every one has to be there."""
    return list(dict.fromkeys(fold(query).split()))


class Range(NamedTuple):
    """A part of a text, by characters: from `start` up to and without `end`."""

    start: int
    end: int


def find(said: str, wanted: Sequence[str]) -> list[Range]:
    """Return where a text has the terms, merged and in order. A term that begins with a letter is found where a word begins."""
    found: list[Range] = []
    folded = fold(said)
    for term in wanted:
        begins = f"(?<![{_WORD}])" if re.match(f"[{_WORD}]", term) else ""
        # Inside a term too, letters after signs begin a word, and a term may end inside one.
        found += [Range(*hit.span()) for hit in re.finditer(begins + re.escape(term), folded)]
    merged: list[Range] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1].end:
            merged[-1] = Range(merged[-1].start, max(end, merged[-1].end))
        else:
            merged.append(Range(start, end))
    return merged


class Snippet(NamedTuple):
    """A part of a text around the first hit, with the places of all hits in it."""

    text: str
    ranges: list[Range]


def snippet(said: str, wanted: Sequence[str]) -> Snippet:
    """Return up to 160 characters around the first hit, with `…` where the text goes on; mentions' ids are left blank."""
    shown = re.sub(r"\s", " ", _MENTION.sub(lambda found: " " * len(found[0]), said))
    hits = find(said, wanted)
    start = max(0, (hits[0].start if hits else 0) - BEFORE)
    if start + SNIPPET >= len(shown):
        start = max(0, min(start, len(shown) - SNIPPET))
    end = min(len(shown), start + SNIPPET)
    lead = "…" if start else ""
    places = [
        Range(max(hit.start, start) - start + len(lead), min(hit.end, end) - start + len(lead))
        for hit in hits
        if hit.start < end and hit.end > start
    ]
    return Snippet(lead + shown[start:end] + ("…" if end < len(shown) else ""), places)
