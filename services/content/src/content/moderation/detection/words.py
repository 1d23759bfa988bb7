"""Words that may not be said, found all at once by an Aho–Corasick automaton, in time that only the text's length decides.

Words are literal: there are no patterns in them, so none can be catastrophic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ahocorasick_rs import AhoCorasick, MatchKind

from content.moderation import folding
from content.moderation.folding import BOUNDARY, Folded

MOST_SPANS = 20
"""So many places are told of one detector in one text."""

Span = tuple[int, int]


class WordList:
    """Words, and phrases in which they are innocent, ready to be looked for in compact texts."""

    def __init__(self, words: Sequence[str], exceptions: Sequence[str] = (), *, whole_words: bool = True) -> None:
        patterns = list(filter(None, folding.compact_words(words)))
        # Spelt out letter by letter, a phrase of several words becomes one.
        patterns += [f" {form.replace(BOUNDARY, '')} " for form in patterns if BOUNDARY in form.strip(BOUNDARY)]
        if not whole_words:
            patterns = [form.strip(BOUNDARY) for form in patterns]
        self._words = len(patterns)
        # The leftmost match wins, and of those the longest: a phrase swallows the word that it contains.
        patterns += [form for form in folding.compact_words(exceptions) if form]
        self._longest = max(map(len, patterns), default=0)
        self._automaton = AhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest) if self._words else None

    def find(self, compact: Folded, most: int = MOST_SPANS) -> list[Span]:
        """Return where in the original the words stand, the first `most` of them."""
        if self._automaton is None or not compact.text:
            return []
        found: list[Span] = []
        for start, end in self._matches(self._automaton, compact.text):
            found.append(compact.span(start, end))
            if len(found) == most:
                break
        return found

    def _matches(self, automaton: AhoCorasick, text: str) -> Iterator[Span]:
        """Yield where words stand in a compact text, innocent phrases left out.

        Two that follow one another share a boundary, which a search without overlaps gives to the first: so behind each match that
        ends in one it is asked what begins there.
        """
        covered = 0
        for first in automaton.find_matches_as_indexes(text):
            match: tuple[int, int, int] | None = first if first[1] >= covered else None
            while match is not None:
                pattern, start, covered = match
                if pattern < self._words:
                    yield start, covered
                match = self._next(automaton, text, covered - 1) if text[covered - 1] == BOUNDARY else None

    def _next(self, automaton: AhoCorasick, text: str, place: int) -> tuple[int, int, int] | None:
        """Return what begins with the boundary at a place."""
        following = automaton.find_matches_as_indexes(text[place : place + self._longest])
        if not following or following[0][1] != 0:
            return None
        pattern, _, length = following[0]
        return pattern, place, place + length


def empty_words(words: Iterable[str]) -> list[int]:
    """Return the places of those of which nothing is left to look for: no letter, digit or ideograph is in them."""
    return [place for place, form in enumerate(folding.compact_words(list(words))) if not form.strip(BOUNDARY)]
