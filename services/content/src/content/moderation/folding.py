"""Text as detectors see it: without the tricks by which a word is written so that only people recognise it.

Two forms, both made with tables over code points and with the place of every character in the original:

- `plain` folds characters (NFKC, case, marks, traditional to simplified, look-alikes to Latin letters) and drops what is invisible;
- `compact` takes the gaps out as well: between ideographs nothing is left, between words of letters one boundary.

Sources: NFKC is Unicode's UAX 15, look-alikes are UTS 39's confusables, traditional characters are OpenCC's `t2s`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from confusable_homoglyphs.confusables import confusables_data  # type: ignore[import-untyped]
from opencc import OpenCC

BOUNDARY = " "
"""Stands in the compact form where a word of letters or digits begins or ends; no other blank is left in it."""

Codes = npt.NDArray[np.uint32]
Kinds = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_DROPPED, _SOFT, _HARD, _BETWEEN_WORDS, _FREE, _LETTER, _DIGIT, _EXPANDED = range(8)
"""Invisible; a gap; the end of a sentence; ours; a character that needs no boundaries; a letter that does; a digit; several characters."""
_SEPARATOR = 0x10FFFF
_INVISIBLE = "\u200b"
_BOTH_KINDS = 3
_ASSIGNED = (range(0x323B0), range(0xE0000, 0xE0200))
_HAN = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0x20000, 0x323B0))
_HANGUL = range(0xAC00, 0xD7A4)
_FILLERS = frozenset((0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0))
# Alphabets that are written in words; ideographs and the scripts of South-East Asia are not, and Korean words grow endings.
_WORDED = (range(0x0590), range(0x10A0, 0x1100), range(0x1C80, 0x1CC0), range(0x1D00, 0x2000), range(0x2C60, 0x2E00))
_SENTENCE_ENDS = frozenset("\n\r。！？!?…")


class _Tables(NamedTuple):
    fold: Codes
    kind: Kinds
    expansions: dict[int, str]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    """Return what every code point becomes, and of what kind it is."""
    fold: Codes = np.arange(0x110000, dtype=np.uint32)
    kind: Kinds = np.full(0x110000, _FREE, dtype=np.uint8)
    kind[0xD800:0xE000] = _DROPPED
    kind[_SEPARATOR] = _BETWEEN_WORDS
    expansions: dict[int, str] = {}
    simplified = _simplified()
    look_alikes = _look_alikes()
    for block in _ASSIGNED:
        for code in block:
            if code in _HANGUL or code in _HAN[1]:
                continue
            char = chr(code)
            kind[code] = _kind_of(char)
            if kind[code] == _DROPPED:
                continue
            folded = _folded(char, look_alikes)
            if len(folded) == 1:
                fold[code] = ord(folded)
                kind[code] = _kind_of(folded)
            else:
                kind[code] = _EXPANDED
                expansions[code] = folded
    simple: Codes = np.arange(0x110000, dtype=np.uint32)
    simple[list(simplified)] = list(simplified.values())
    return _Tables(simple.take(fold), kind, expansions)


def prepare() -> None:
    """Make the tables, half a second's work, before the first text needs them."""
    _tables()


def _kind_of(char: str) -> int:
    code, category = ord(char), unicodedata.category(char)
    if char in _SENTENCE_ENDS:
        return _HARD
    if category in {"Cf", "Mn", "Me", "Cn"} or code in _FILLERS:
        return _DROPPED
    if category[0] in "ZPSC":
        return _SOFT
    if category == "Nd":
        return _DIGIT
    if category[0] in "LM" and any(code in block for block in _WORDED):
        return _LETTER
    return _FREE


def _folded(char: str, look_alikes: dict[str, str]) -> str:
    """Return a character folded: one character where that can be, none for what leaves nothing."""
    alike = look_alikes.get(char)
    if alike is not None:
        return alike
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.decimal(char))
    bare = unicodedata.normalize("NFKC", char).casefold()
    if not "\uac00" <= bare[:1] <= "\ud7a3":
        bare = "".join(one for one in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(one))
    return "".join(look_alikes.get(one, one) for one in bare) or char


def _look_alikes() -> dict[str, str]:
    """Return the letters beyond ASCII that look like one Latin letter, with that letter."""
    found: dict[str, str] = {}
    for char, alike in confusables_data.items():
        if len(char) != 1 or char.isascii() or not char.isalpha() or not any(ord(char) in block for block in _WORDED):
            continue
        latin = [one["c"] for one in alike if len(one["c"]) == 1 and one["c"].isascii() and one["c"].isalpha()]
        if latin:
            # Of l and I, which look alike as well, the one of the same case.
            latin.sort(key=lambda one: one.isupper() != char.isupper())
            found[char] = latin[0].casefold()
    return found


def _simplified() -> dict[int, int]:
    """Return the simplified form of every traditional character that has one of its own."""
    chars = [chr(code) for block in _HAN for code in block]
    lines = OpenCC("t2s").convert("\n".join(chars)).split("\n")
    return {ord(char): ord(line) for char, line in zip(chars, lines, strict=True) if line != char and len(line) == 1}


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Runs of one kind of character, as they stand in the compact form and in what it was made from."""

    goals: Places
    starts: Places
    lengths: Places

    def first(self, place: int) -> int:
        """Return where the character at a place of the form stood; of a boundary, where the next one did."""
        run = max(int(np.searchsorted(self.goals, place, "right")) - 1, 0)
        offset = max(place - int(self.goals[run]), 0)
        if offset >= self.lengths[run] and run + 1 < len(self.goals):
            run, offset = run + 1, 0
        return int(self.starts[run]) + min(offset, int(self.lengths[run]) - 1)

    def last(self, place: int) -> int:
        """Return the same; of a boundary, where the character before it stood."""
        run = max(int(np.searchsorted(self.goals, place, "right")) - 1, 0)
        return int(self.starts[run]) + min(max(place - int(self.goals[run]), 0), int(self.lengths[run]) - 1)


class _Letters:
    """Letters and digits of plain English, as they stand in the compact form and in the text."""

    def __init__(self, form: str, text: str) -> None:
        self._goals = np.flatnonzero(np.frombuffer(form.encode(), np.uint8) != ord(BOUNDARY))
        folded = np.frombuffer(text.encode().translate(_ASCII_FOLD), np.uint8)
        self._starts = np.flatnonzero(folded != ord(BOUNDARY))

    def first(self, place: int) -> int:
        """Return where the character at a place of the form stood; of a boundary, where the next one did."""
        return int(self._starts[min(int(np.searchsorted(self._goals, place)), len(self._goals) - 1)])

    def last(self, place: int) -> int:
        """Return the same; of a boundary, where the character before it stood."""
        return int(self._starts[max(int(np.searchsorted(self._goals, place, "right")) - 1, 0)])


class Folded:
    """A text in one of the forms, which can tell where in the original its characters stood."""

    def __init__(
        self,
        text: str,
        tokens: _Tokens | _Letters | None = None,
        places: Places | None = None,
        *,
        original: str | None = None,
    ) -> None:
        self.text = text
        self._tokens = tokens
        self._places = places
        self._original = original
        """What the places are found by when somebody first asks for one, where they were not needed to make the form."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a stretch of the form, not empty, stands in the original, in code points, its end excluded."""
        if self._original is not None:
            self._tokens, self._original = _Letters(self.text, self._original), None
        first, last = start, end - 1
        if self._tokens is not None:
            first, last = self._tokens.first(first), self._tokens.last(last)
        if self._places is not None:
            first, last = int(self._places[first]), int(self._places[last])
        return first, last + 1


def _codes(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _text(codes: Codes) -> str:
    return codes.astype(np.uint32, copy=False).tobytes().decode("utf-32-le")


class _Seen(NamedTuple):
    """What a text's visible characters are folded to, of what kind they are, and where they stood; none when each in its place."""

    codes: Codes
    kinds: Kinds
    places: Places | None


def _seen(codes: Codes) -> _Seen:
    tables = _tables()
    kinds = tables.kind.take(codes)
    places: Places | None = None
    if kinds.max(initial=0) == _EXPANDED:
        codes, places = _expanded(codes, kinds, tables.expansions)
        kinds = tables.kind.take(codes)
    folded = tables.fold.take(codes)
    if kinds.min(initial=_FREE) == _DROPPED:
        visible = np.flatnonzero(kinds != _DROPPED)
        folded, kinds, places = folded[visible], kinds[visible], visible if places is None else places[visible]
    return _Seen(folded, kinds, places)


def _expanded(codes: Codes, kinds: Kinds, expansions: dict[int, str]) -> tuple[Codes, Places]:
    """Write characters out that are folded to several, such as ligatures and units."""
    pieces = {int(code): _codes(expansions[int(code)]) for code in np.unique(codes[kinds == _EXPANDED])}
    lengths = np.ones(len(codes), dtype=np.int64)
    for code, piece in pieces.items():
        lengths[codes == code] = len(piece)
    places = np.repeat(np.arange(len(codes)), lengths)
    starts = np.cumsum(lengths) - lengths
    written = codes[places]
    for code, piece in pieces.items():
        for offset, one in enumerate(piece):
            written[starts[codes == code] + offset] = one
    return written, places


def plain(text: str) -> Folded:
    """Return the text folded, with its blanks and punctuation."""
    seen = _seen(_codes(_without_separators(text)))
    return Folded(_text(seen.codes), None, seen.places)


def compact(text: str) -> Folded:
    """Return the text folded and without gaps."""
    if text.isascii():
        form = _compact_ascii(text)
        if form is not None:
            return Folded(form, original=text)
    return _compacted(_seen(_codes(_without_separators(text))))


def _without_separators(text: str) -> str:
    """Return the text with what only we may put between words made as invisible as it is."""
    return text.replace(chr(_SEPARATOR), _INVISIBLE)


def compact_words(words: Sequence[str]) -> list[str]:
    """Return words as they stand in a compact text, boundaries included; nothing is left of one without letters and digits."""
    if not words:
        return []
    joined = _codes(chr(_SEPARATOR).join(map(_without_separators, words)))
    return _compacted(_seen(joined)).text.split(chr(_SEPARATOR))


_ASCII_FOLD = bytes(ord(chr(code).lower()) if chr(code).isalnum() else ord(BOUNDARY) for code in range(128)) + bytes(
    128
)
_ASCII_KIND = bytes(2 if chr(code).isdigit() else int(chr(code).isalpha()) for code in range(128)) + bytes(128)


def _compact_ascii(text: str) -> str | None:
    """Return the compact form of plain English quickly; None where single letters or digits beside letters need a closer look."""
    form = np.frombuffer(b" %b " % text.encode().translate(_ASCII_FOLD), np.uint8)
    blank = form == ord(BOUNDARY)
    repeated = blank[1:] & blank[:-1]
    if repeated.any():
        form = np.compress(np.concatenate((~repeated, [True])), form)
        blank = form == ord(BOUNDARY)
    folded = form.tobytes()
    kinds = np.frombuffer(folded.translate(_ASCII_KIND), np.uint8)
    if ((kinds[1:] | kinds[:-1]) == _BOTH_KINDS).any() or (blank[:-4] & blank[2:-2] & blank[4:]).any():
        return None
    return folded.decode() if len(folded) > 1 else ""


def _compacted(seen: _Seen) -> Folded:
    """Take the gaps out and put the boundaries in.

    Letters and digits are bounded by gaps and by one another; single letters in a row are one word (`w e c h a t`). Between
    ideographs only the end of a sentence is a boundary, unless a single one stands beside it (`加。微。信`).
    """
    if not len(seen.kinds):
        return Folded("")
    # Most texts are short, and then each step costs what its call costs: few and plain ones.
    starts = np.concatenate((_FIRST, (seen.kinds[1:] != seen.kinds[:-1]).nonzero()[0] + 1))
    lengths = np.concatenate((starts[1:], [len(seen.kinds)])) - starts
    kinds = seen.kinds[starts]
    runs = (kinds >= _BETWEEN_WORDS).nonzero()[0]
    if not len(runs):
        return Folded("")
    starts, sizes = starts[runs], lengths[runs]
    before, gap = _bounded(kinds, sizes, runs)
    kept, codes = seen.kinds >= _BETWEEN_WORDS, seen.codes.copy()
    replaced, inserted = before & gap, before & ~gap
    slots = starts[replaced] - 1
    kept[slots] = True
    codes[slots] = ord(BOUNDARY)
    form = codes[kept]
    # Where each run begins in the form, behind its boundary and everything before it.
    goals = (sizes + before).cumsum() - sizes
    bounded = int(kinds[runs[-1]] > _FREE)
    if bounded or inserted.any():
        room = np.ones(int(goals[-1] + sizes[-1]) + bounded, np.bool_)
        room[goals[inserted] - 1] = False
        room[len(room) - bounded :] = False
        spread: Codes = np.full(len(room), ord(BOUNDARY), np.uint32)
        spread[room] = form
        form = spread
    return Folded(_text(form), _Tokens(goals, starts, sizes), seen.places)


_FIRST = np.zeros(1, np.int64)


def _bounded(kinds: Kinds, sizes: Places, runs: Places) -> tuple[Flags, Flags]:
    """Return which runs, so long each, have a boundary before them, and which a gap in whose place it can stand."""
    kind, single = kinds[runs], sizes == 1
    worded = kind > _FREE
    ended = (kinds == _HARD).cumsum()[runs]
    before, gap = worded.copy(), np.empty(len(runs), np.bool_)
    gap[0], gap[1:] = runs[0] > 0, runs[1:] - runs[:-1] > 1
    before[1:] = np.where(
        kind[1:] != kind[:-1],
        worded[1:] | worded[:-1],
        np.where(worded[1:], ~(single[1:] & single[:-1]), (ended[1:] != ended[:-1]) & ~(single[1:] | single[:-1])),
    )
    return before, gap
