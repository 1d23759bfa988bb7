"""What a store of objects does, whichever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Protocol
from uuid import UUID

from chassis.errors import Problem
from chassis.ids import new_id


class StoreAway(Problem):
    """The store cannot be reached, or takes nothing. No outage of the database: other work goes on, and this is tried again later."""

    def __init__(self) -> None:
        super().__init__(
            503, "store-unavailable", "The store of media is away: try again.", headers={"Retry-After": "5"}
        )


class ObjectMissing(LookupError):  # noqa: N818  a fact about the store
    """An object that a row names is not in the store."""


class Store(Protocol):
    """Keeps objects under keys of ours; a key is never a client's word. Every operation may raise StoreAway."""

    async def put(self, key: str, data: bytes) -> None:
        """Keep an object, whole or not at all, and durably once this returns."""

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes `[start, end)` of an object, a piece at a time. Raises ObjectMissing."""

    async def keys(self, prefix: str) -> set[str]:
        """Return the keys under a prefix that ends with a slash."""

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; those that are not there are gone already."""


def prefix_of(organization_id: UUID, media_id: UUID) -> str:
    """Return under which all objects of an upload lie: spread by the random end of its id, so that no folder grows too large."""
    return f"{organization_id}/{media_id.hex[-2:]}/{media_id}/"


def new_key(organization_id: UUID, media_id: UUID) -> str:
    """Return a key that nothing else has."""
    return prefix_of(organization_id, media_id) + new_id().hex
