"""What waits for one of the dispatcher's steps, and how it is divided."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")


class Queue(deque[T]):
    """What waits for a step that takes many at once."""

    def __init__(self) -> None:
        super().__init__()
        self._filled = asyncio.Event()

    def put(self, item: T) -> None:
        """Add at the end."""
        self.append(item)
        self._filled.set()

    async def take(self, most: int) -> list[T]:
        """Return what is there, one at least and `most` at most, as soon as there is any."""
        while not self:
            self._filled.clear()
            await self._filled.wait()
        return [self.popleft() for _ in range(min(most, len(self)))]


def grouped(items: Iterable[T], key: Callable[[T], UUID]) -> list[tuple[UUID, list[T]]]:
    """Return the items of each tenant, or whatever else the key is, in their order."""
    found: dict[UUID, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return list(found.items())
