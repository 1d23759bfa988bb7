"""Has images drawn anew by a process with limits, so that neither the loop nor this process suffers from what somebody uploads."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from typing import NamedTuple

from chassis.errors import Problem
from content.media.policy import Kind
from content.refusal import Refusal

LONGEST_SECONDS = 25.0
LONGEST_WAIT_SECONDS = 20.0
MOST_AT_ONCE = 2
_LENGTH = struct.Struct(">I")

_slots: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


class Drawn(NamedTuple):
    """One of the images that are kept of an upload."""

    variant: str
    media_type: str
    width: int
    height: int
    frames: int
    data: bytes


def _slot() -> asyncio.Semaphore:
    loop = asyncio.get_running_loop()
    if loop not in _slots:
        for closed in [one for one in _slots if one.is_closed()]:
            del _slots[closed]
        _slots[loop] = asyncio.Semaphore(MOST_AT_ONCE)
    return _slots[loop]


async def draw(kind: Kind, data: bytes) -> list[Drawn] | Refusal:
    """Return what is kept of an image, or why it is not kept. Raises Problem 503 while too many others are drawn."""
    slot = _slot()
    try:
        await asyncio.wait_for(slot.acquire(), LONGEST_WAIT_SECONDS)
    except TimeoutError:
        raise Problem(
            503, "images-busy", "Other images are being drawn: try again.", headers={"Retry-After": "5"}
        ) from None
    try:
        return await _draw(kind, data)
    finally:
        slot.release()


async def _draw(kind: Kind, data: bytes) -> list[Drawn] | Refusal:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "content.media.imaging",
        kind.value,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONDONTWRITEBYTECODE": "1"},  # none of our secrets
    )
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            out, _ = await process.communicate(data)
    except TimeoutError:
        return _COSTLY
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        return _COSTLY if process.returncode < 0 else _UNREADABLE
    return _read(out)


_COSTLY = Refusal("image-too-costly", "To draw this image takes too much.")
_UNREADABLE = Refusal("image-unreadable", "It is no image that can be read, or it is broken.")


def _read(out: bytes) -> list[Drawn] | Refusal:
    (length,) = _LENGTH.unpack_from(out)
    at = _LENGTH.size + length
    document = json.loads(out[_LENGTH.size : at])
    if "code" in document:
        return Refusal(document["code"], document["detail"])
    drawn = []
    for one in document["images"]:
        data = out[at : at + one["size"]]
        at += one["size"]
        drawn.append(Drawn(one["variant"], one["media_type"], one["width"], one["height"], one.get("frames", 1), data))
    return drawn
