"""How alike two texts are, from sketches that PostgreSQL can find by index: MinHash with bands.

Of a text's shingles (three characters of its compact form) the least value of each of 64 hash functions is kept: the share that two
sketches have in common estimates the Jaccard similarity of the texts (Broder 1997), within 0.05 at 0.8. Bands of four values each
are looked up: texts of similarity 0.8 share one of the sixteen with probability 0.9998, of 0.3 with 0.12.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from content.moderation.folding import BOUNDARY, Folded

FUNCTIONS = 64
ROWS = 4
SHORTEST = 12
"""Shorter texts, such as a good morning, are said alike by many and mean nothing by it."""
LONGEST = 20_000
_SHINGLE = 3
_AT_ONCE = 128
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Sketch(NamedTuple):
    """What is kept of a text to recognise it by; nobody can read it."""

    values: list[int]
    bands: list[int]


def _mixed(
    values: np.ndarray[tuple[int, ...], np.dtype[np.uint64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """Return 64 well mixed bits of each value (the finalizer of splitmix64)."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


_SEEDS = _mixed(np.arange(1, FUNCTIONS + 1, dtype=np.uint64) * _GOLDEN)


def sketch(compact: Folded) -> Sketch | None:
    """Return a text's sketch, None when it is too short to be told from others."""
    text = compact.text.replace(BOUNDARY, "")[:LONGEST]
    if len(text) < SHORTEST:
        return None
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    count = len(codes) - _SHINGLE + 1
    shingles = codes[:count]
    for step in range(1, _SHINGLE):
        shingles = (shingles << np.uint64(21)) | codes[step : step + count]
    shingles = np.unique(shingles)
    # The lower half of each least value, signed, as PostgreSQL's integer.
    # All functions at once, over so few shingles that everything stays in the processor's cache.
    least = np.full(FUNCTIONS, np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(shingles), _AT_ONCE):
        mixed = _mixed(shingles[start : start + _AT_ONCE] ^ _SEEDS[:, np.newaxis])
        np.minimum(least, mixed.min(axis=1), out=least)
    values = least.astype(np.uint32).astype(np.int32)
    bands = values.astype(np.int64).reshape(-1, ROWS).astype(np.uint64)
    joined = np.arange(1, len(bands) + 1, dtype=np.uint64) * _GOLDEN
    for row in range(ROWS):
        joined = _mixed(joined ^ bands[:, row])
    return Sketch(values.tolist(), joined.astype(np.int64).tolist())


def similarity(one: list[int], other: list[int]) -> float:
    """Return the share of the values that two sketches have in common: 0 to 1."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / FUNCTIONS
