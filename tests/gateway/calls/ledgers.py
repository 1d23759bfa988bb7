"""Ledgers under test, and calls to write into them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.ids import new_id
from chassis.testing.kit import Kit
from gateway.calls.ledger import Call, Ledger

PATH = "/v1/contacts/4711"


def call(organization: UUID, client: UUID | None = None, **fields: Any) -> Call:
    """A call of a client of the organization."""
    known = {
        "id": new_id(),
        "organization_id": organization,
        "client_id": client or new_id(),
        "at": clock.now(),
        "method": "PUT",
        "route": "/v1/contacts/**",
        "path": PATH,
        "address": "198.51.100.7",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "delegated": False,
    }
    return Call(**(known | fields))


@asynccontextmanager
async def open_ledger(url: str) -> AsyncIterator[Ledger]:
    """A ledger, closed at the end."""
    ledger = Ledger(url)
    try:
        yield ledger
    finally:
        await ledger.close()


async def rows(kit: Kit, organization: UUID) -> list[Any]:
    """The organization's calls, oldest first."""
    return await kit.sql("SELECT * FROM client_call WHERE organization_id = $1 ORDER BY at, id", organization)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition. Raises TimeoutError."""
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110  what is waited for is in the database
            await asyncio.sleep(0.01)
