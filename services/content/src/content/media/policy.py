"""What may be uploaded, how it is called and which bytes of it are asked for: decisions over plain values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from content.refusal import Refusal

MIB = 2**20
LARGEST_PART = 4 * MIB
LARGEST_WHOLE = 8 * MIB
"""Up to here a file may come in one piece."""
LONGEST_NAME = 120
LONGEST_EXTENSION = 16
MOST_UNFINISHED = 20
DAY_SECONDS = 24 * 3600


class Kind(StrEnum):
    """What an upload is to be."""

    IMAGE = "image"
    AVATAR = "avatar"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"

    @property
    def drawn(self) -> bool:
        """Whether it is an image, which is decoded and drawn anew; everything else is kept as it came."""
        return self in {Kind.IMAGE, Kind.AVATAR}


class State(StrEnum):
    """The life of an upload: erased, only its id is left."""

    UPLOADING = "uploading"
    READY = "ready"
    ERASED = "erased"


class Variant(StrEnum):
    """What there is of one upload: the thing itself, and of images two smaller ones."""

    ORIGINAL = "original"
    LARGE = "large"
    SMALL = "small"


LARGEST: dict[Kind, int] = {
    Kind.IMAGE: 20 * MIB,
    Kind.AVATAR: 10 * MIB,
    Kind.AUDIO: 100 * MIB,
    Kind.VIDEO: 1024 * MIB,
    Kind.FILE: 100 * MIB,
}

_SEPARATORS = re.compile(r"[/\\]")
_RESERVED = re.compile(r'[<>:"|?*]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
NAMELESS = "file"


def clean_name(given: str) -> str:
    """Return a client's file name as it may be shown: no path, nothing invisible, nothing that turns the direction of writing.

    It is only ever shown, and never a path of ours.
    """
    name = unicodedata.normalize("NFC", _SEPARATORS.split(given)[-1])
    visible = "".join(
        " " if one.isspace() else one for one in name if one.isspace() or unicodedata.category(one)[0] != "C"
    )
    name = _RESERVED.sub("_", " ".join(visible.split())).strip(". ")
    if _DEVICES.fullmatch(name):
        name = f"_{name}"
    stem, dot, extension = name.rpartition(".")
    if dot and stem and len(extension) <= LONGEST_EXTENSION:
        name = stem[: LONGEST_NAME - len(extension) - 1].rstrip(". ") + dot + extension
    return name[:LONGEST_NAME].strip(". ") or NAMELESS


def size_refusal(kind: Kind, size: int, *, used: int, quota: int, unfinished: int) -> Refusal | None:
    """Return why an upload of `size` bytes cannot begin for somebody who has `used` bytes and `unfinished` uploads."""
    if size > LARGEST[kind]:
        return Refusal("media-too-large", f"What is of kind {kind} holds up to {LARGEST[kind]} bytes.")
    if used + size > quota:
        return Refusal("quota-exceeded", f"You may keep {quota} bytes, and have {used}: delete something first.")
    if unfinished >= MOST_UNFINISHED:
        return Refusal("too-many-unfinished", f"{unfinished} uploads of yours are not finished: finish or delete them.")
    return None


def largest_piece(size: int) -> int:
    """Return how many bytes one request may bring of a file of `size` bytes."""
    return size if size <= LARGEST_WHOLE else LARGEST_PART


class Piece(NamedTuple):
    """A stored part of something: where it starts in the whole, how long it is, and where it lies."""

    start: int
    size: int
    key: str


class Slice(NamedTuple):
    """Some of a stored part: `[start, end)` within it."""

    key: str
    start: int
    end: int


def slices(pieces: Iterable[Piece], start: int, end: int) -> Iterator[Slice]:
    """Yield what to read of which part for the bytes `[start, end)` of the whole."""
    for piece in pieces:
        first, last = max(start, piece.start), min(end, piece.start + piece.size)
        if first < last:
            yield Slice(piece.key, first - piece.start, last - piece.start)


class Span(NamedTuple):
    """A range of bytes, `[start, end)`."""

    start: int
    end: int


UNSATISFIABLE = Span(0, 0)
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def asked_span(header: str | None, size: int) -> Span | None:
    """Return the bytes that a Range header (RFC 9110, 14.2) asks for; None for all, UNSATISFIABLE for a place behind the end.

    Several ranges at once, and what is no range, ask for all.
    """
    found = _RANGE.fullmatch(header.replace(" ", "")) if header is not None else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        last = min(int(found[2]), size)
        return Span(size - last, size) if last else UNSATISFIABLE
    start = int(found[1])
    if found[2] and int(found[2]) < start:
        return None
    end = min(int(found[2]) + 1, size) if found[2] else size
    return Span(start, end) if start < end else UNSATISFIABLE
