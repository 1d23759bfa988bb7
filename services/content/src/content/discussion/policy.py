"""What a reaction may be, and what adding and taking back does: decisions over plain values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class CommentState(StrEnum):
    """Where a comment stands. Only what is published others see."""

    PUBLISHED = "published"
    HELD = "held"
    REMOVED = "removed"


LONGEST_EMOJI = 40
MOST_EMOJIS = 10

_JOINER, _TEXT_STYLE, _EMOJI_STYLE, _KEYCAP = "\u200d", "\ufe0e", "\ufe0f", "\u20e3"
_TONES = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
# Blocks of emoji whose newest characters the Unicode tables of an older Python do not know.
_EMOJI_BLOCKS = range(0x1F000, 0x1FB00)
_STAND_INS = frozenset("\ufffc\ufffd")  # for what could not be read
_PUNCTUATION_EMOJI = frozenset("‼⁉〰")
_SHORT_CODE = re.compile(r":[\w'’&.()!+-]{1,38}(?:::skin-tone-[2-6])?:")
_FIRST_BEYOND_LATIN_1 = 0xA9  # © is the first symbol that has an emoji form


def is_emoji(text: str) -> bool:
    """Return whether a text is one emoji: a short code such as `:party-parrot:`, or one symbol as people see it (UTS #51)."""
    if not 1 <= len(text) <= LONGEST_EMOJI:
        return False
    return bool(_SHORT_CODE.fullmatch(text)) or all(_is_element(part) for part in text.split(_JOINER))


def _is_element(text: str) -> bool:
    """Return whether a text is one part of a joined emoji: a flag, a keycap, or a symbol with its style, skin tone and tags."""
    if len(text) == 2 and all(ord(letter) in _FLAG_LETTERS for letter in text):  # noqa: PLR2004  a flag is two letters
        return True
    if text[:1] in {*"0123456789#*"} and text[1:] in {_KEYCAP, _EMOJI_STYLE + _KEYCAP}:
        return True
    if not text or not _is_symbol(text[0]):
        return False
    rest = text[1:].removeprefix(_EMOJI_STYLE).removeprefix(_TEXT_STYLE)
    if rest and ord(rest[0]) in _TONES:
        rest = rest[1:]
    return all(ord(tag) in _TAGS for tag in rest)


def _is_symbol(char: str) -> bool:
    if ord(char) in _FLAG_LETTERS or char in _STAND_INS:
        return False
    return (
        ord(char) in _EMOJI_BLOCKS
        or char in _PUNCTUATION_EMOJI
        or (ord(char) >= _FIRST_BEYOND_LATIN_1 and unicodedata.category(char) in {"So", "Sm"})
    )


@dataclass(frozen=True, slots=True)
class Added:
    """What a person's emojis on a subject become. `added` are new, `refused` are too many."""

    emojis: list[str]
    added: list[str]
    refused: list[str]


def add(present: Sequence[str], wanted: Iterable[str]) -> Added:
    """Add emojis, each once, ten at most."""
    emojis, added, refused = list(present), [], []
    for emoji in wanted:
        if emoji in emojis:
            continue
        if len(emojis) >= MOST_EMOJIS:
            refused.append(emoji)
        else:
            emojis.append(emoji)
            added.append(emoji)
    return Added(emojis, added, refused)


def bring(present: Sequence[str], imported: Sequence[str], wanted: Iterable[str]) -> Added:
    """Add what an import brings; what an import brought before and its owner took back since is not brought again."""
    return add(present, [emoji for emoji in wanted if emoji not in imported])
