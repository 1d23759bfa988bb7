"""Rotation by the clock, and what the processes of members do with keys beside the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chassis import clock, due
from chassis.db import Session, transaction
from chassis.due import Due, Jobs
from chassis.runtime import Runtime
from chassis.vault import Vault
from contracts.base import SYSTEM_ORGANIZATION
from members.accounts.keys import commands, policy, queries, signing
from members.vault import vault_of

ROTATE_KIND = "keys.rotate"
_KEY = "signing"


def jobs(vault: Vault) -> Jobs:
    """Return the due work of keys; it seals with this vault."""
    work = Jobs()

    @work.on(ROTATE_KIND)
    async def rotate(session: Session, _due: Due) -> None:
        await commands.rotate(session, vault)
        await commands.forget_old(session)
        await _schedule(session)

    return work


async def _schedule(session: Session, *, keep: bool = False) -> None:
    when = clock.now() + policy.ROTATED_EVERY
    await due.schedule(session, SYSTEM_ORGANIZATION, ROTATE_KIND, _KEY, when, keep=keep)


async def start(runtime: Runtime) -> None:
    """Have a key, and its rotation scheduled. Raises ValueError when the keys were sealed with another secret."""
    vault = vault_of(runtime)
    async with transaction(runtime.worker_engine) as session:
        await commands.ensure_key(session, vault)
        await _schedule(session, keep=True)
    runtime.jobs.include(jobs(vault))


def source(runtime: Runtime) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return what members verifies tokens with: the keys in its own database, the same that it publishes."""

    async def fetch() -> dict[str, Any]:
        try:
            async with transaction(runtime.engine) as session:
                return signing.jwks(policy.published(await queries.list_keys(session), clock.now()))
        except (DBAPIError, PoolTimeoutError) as error:
            # The verifier keeps the keys that it knows when its source is away, and knows that by OSError.
            raise ConnectionError("the database is away") from error

    return fetch
