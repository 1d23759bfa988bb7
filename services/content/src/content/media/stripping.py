"""Which bytes of a recording say things about who made it, where and when: they are blanked in place, and what is heard and seen stays.

Nothing is moved or decoded, so a film of a gigabyte needs little memory and every offset in it stays true. Known are the containers that
telephones and recorders write: ISO base media (MP4, MOV, M4A, 3GP; ISO/IEC 14496-12), MP3 and AAC with ID3 and APE tags, WAV, FLAC. What
cannot be followed is left as it came, and so are Ogg, AMR and Matroska.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

MOST_STEPS = 5_000
"""Boxes, chunks and blocks that are looked at in one file."""
LARGEST_TAG = 64 * 2**20
_WINDOW = 64 * 1024

Peek = Callable[[int, int], Awaitable[bytes]]
"""Returns the bytes `[start, end)` of the file."""


class Blank(NamedTuple):
    """Bytes `[start, end)` that become `head` and then zeros."""

    start: int
    end: int
    head: bytes = b""

    def apply(self, data: bytearray, offset: int) -> None:
        """Blank what of `data`, which lies at `offset` in the file, is meant."""
        start, end = max(self.start, offset), min(self.end, offset + len(data))
        head = self.head[start - self.start : max(end - self.start, 0)]
        data[start - offset : end - offset] = head + bytes(end - start - len(head))


class _File:
    """A file that is read in windows, a bounded number of times."""

    def __init__(self, peek: Peek, size: int) -> None:
        self.size = size
        self._peek = peek
        self._start, self._window = 0, b""
        self._steps = 0

    async def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes at `start`, or nothing where there are fewer or where too much was looked at already."""
        self._steps += 1
        if start < 0 or start + length > self.size or self._steps > MOST_STEPS:
            return b""
        if not self._start <= start <= start + length <= self._start + len(self._window):
            self._start, self._window = start, await self._peek(start, min(self.size, start + max(length, _WINDOW)))
        return self._window[start - self._start : start - self._start + length]


async def find_blanks(media_type: str, peek: Peek, size: int) -> list[Blank]:
    """Return what is to be blanked in a file of `size` bytes."""
    look = _LOOKS.get(media_type)
    return [] if look is None else await look(_File(peek, size))


# -- ISO base media: boxes in boxes -----------------------------------------------------------------------------------

_TELLS = {b"udta", b"meta", b"uuid", b"sefd"}
_HOLDS = {b"moov", b"trak", b"mdia"}
_DATED = {b"mvhd", b"tkhd", b"mdhd"}


async def _boxes(file: _File) -> list[Blank]:
    blanks: list[Blank] = []
    # Ranges of boxes that are still to be looked through.
    ranges = [(0, file.size)]
    while ranges:
        at, end = ranges.pop()
        while at < end and (head := await file.read(at, 8)):
            length, name, body = int.from_bytes(head[:4]), head[4:], at + 8
            if length == 1:
                length, body = int.from_bytes(await file.read(body, 8)), body + 8
            elif length == 0:
                length = end - at
            if not body - at <= length <= end - at:
                break
            if name in _TELLS:
                blanks.append(Blank(at + 4, at + length, b"free" + await file.read(at + 8, body - at - 8)))
            elif name in _HOLDS:
                ranges.append((body, at + length))
            elif name in _DATED:
                dates = 16 if await file.read(body, 1) == b"\1" else 8
                start, stop = body + 4, min(body + 4 + dates, at + length)
                if start < stop:
                    blanks.append(Blank(start, stop))
            at += length
    return blanks


# -- MP3 and AAC: tags before and behind ------------------------------------------------------------------------------

_ID3_FOOTER = 0x10


async def _tags(file: _File) -> list[Blank]:
    blanks = []
    at = 0
    while (head := await file.read(at, 10))[:3] == b"ID3":
        length = 0
        for seven_bits in head[6:]:
            length = length << 7 | seven_bits & 0x7F
        end = min(at + 10 + length + (10 if head[5] & _ID3_FOOTER else 0), file.size)
        # A tag that holds nothing but padding.
        blanks.append(Blank(at + 5, end, b"\0" + _syncsafe(end - at - 10)))
        at = end
    end = file.size
    if await file.read(end - 128, 3) == b"TAG":
        end -= 128
        blanks.append(Blank(end, file.size))
    if (foot := await file.read(end - 32, 32))[:8] == b"APETAGEX":
        length = max(32, int.from_bytes(foot[12:16], "little"))
        if length <= min(end, LARGEST_TAG):
            has_header = (await file.read(end - length - 32, 8)) == b"APETAGEX"
            blanks.append(Blank(end - length - (32 if has_header else 0), end))
    return blanks


def _syncsafe(length: int) -> bytes:
    return bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0))


# -- WAV: chunks ------------------------------------------------------------------------------------------------------

_SOUND = {b"fmt ", b"data", b"fact", b"JUNK", b"PEAK", b"cue ", b"smpl"}


async def _chunks(file: _File) -> list[Blank]:
    blanks: list[Blank] = []
    if (await file.read(0, 12))[:4] != b"RIFF":
        return blanks
    at = 12
    while head := await file.read(at, 8):
        end = at + 8 + int.from_bytes(head[4:], "little")
        if end > file.size:
            break
        if head[:4] not in _SOUND:
            blanks.append(Blank(at, end, b"JUNK" + head[4:]))
        at = end + (end & 1)
    return blanks


# -- FLAC: blocks before the sound ------------------------------------------------------------------------------------

_PADDING, _LAST = 1, 0x80
_ABOUT = {2, 4, 5, 6}
"""Application data, comments, cue sheet, picture."""


async def _blocks(file: _File) -> list[Blank]:
    blanks = await _tags(file)
    at = max((one.end for one in blanks if one.start <= 5), default=0)  # noqa: PLR2004  a tag in front of the file
    if await file.read(at, 4) != b"fLaC":
        return blanks
    at += 4
    while head := await file.read(at, 4):
        kind, end = head[0] & ~_LAST, at + 4 + int.from_bytes(head[1:])
        if end > file.size:
            break
        if kind in _ABOUT:
            blanks.append(Blank(at, end, bytes([head[0] & _LAST | _PADDING]) + head[1:]))
        if head[0] & _LAST:
            break
        at = end
    return blanks


_LOOKS = {
    "video/mp4": _boxes,
    "video/quicktime": _boxes,
    "video/3gpp": _boxes,
    "audio/mp4": _boxes,
    "audio/mpeg": _tags,
    "audio/aac": _tags,
    "audio/wav": _chunks,
    "audio/flac": _blocks,
}
