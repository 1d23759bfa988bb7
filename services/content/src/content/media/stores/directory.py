"""Objects in a local directory: for one machine, or a volume that every pod mounts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from chassis import telemetry
from content.media.stores.port import ObjectMissing, StoreAway

PIECE_BYTES = 256 * 1024
_UNFINISHED = ".part"
T = TypeVar("T")

log = telemetry.log("content.media")


class Directory:
    """A directory; every operation runs in a thread, for disks are slow."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, data: bytes) -> None:
        """Write beside its place, bring it to the disk, then rename: a crash leaves the object whole or not there."""
        await _told(self._put, key, data)

    def _put(self, key: str, data: bytes) -> None:
        place = self._root / key
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = place.with_name(place.name + _UNFINISHED)
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place)
        # The names on the way are only as durable as the folders that they stand in.
        for folder in (place.parent, *place.parent.parents):
            _sync_folder(folder)
            if folder == self._root:
                break

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield a part of a file."""
        file = await _told(self._open, key)
        try:
            await _told(file.seek, start)
            while start < end:
                piece = await _told(file.read, min(PIECE_BYTES, end - start))
                if not piece:
                    raise ObjectMissing(f"{key} is shorter than it was")
                start += len(piece)
                yield piece
        finally:
            file.close()

    def _open(self, key: str) -> BinaryIO:
        return (self._root / key).open("rb")

    async def keys(self, prefix: str) -> set[str]:
        """Return what lies in a folder."""
        return await _told(self._keys, prefix)

    def _keys(self, prefix: str) -> set[str]:
        folder = self._root / prefix
        with suppress(FileNotFoundError):
            return {prefix + entry.name for entry in folder.iterdir() if entry.is_file()}
        return set()

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete files, and the folder of an upload when nothing is left in it."""
        await _told(self._delete, list(keys))

    def _delete(self, keys: list[str]) -> None:
        for key in keys:
            (self._root / key).unlink(missing_ok=True)
        for folder in {(self._root / key).parent for key in keys}:
            with suppress(OSError):
                folder.rmdir()


async def _told(work: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401  what the work takes
    """Do work in a thread, and tell a disk's errors in our own terms."""
    try:
        return await asyncio.to_thread(work, *arguments)
    except FileNotFoundError as error:
        raise ObjectMissing(str(error.filename)) from error
    except OSError as error:
        log.warning("store_away", error=type(error).__name__, detail=str(error)[:300])
        raise StoreAway from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
