"""Guessing at passwords: allowed so often, in PostgreSQL, so that it holds over restarts and replicas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import clock
from chassis.db import Session, transaction
from chassis.errors import Problem, invalid
from chassis.vault import Vault
from members.accounts.credentials import policy, queries
from members.accounts.credentials.policy import ADDRESS, IDENTITY, Failures, Limit

PURPOSE = "login limits"
MOST_WAITING = 20


@dataclass(frozen=True, slots=True)
class Counter:
    """One count of failures and its rule; the key tells nobody whose."""

    key: bytes
    limit: Limit


def identity_counter(vault: Vault, organization: str, login: str) -> Counter:
    """Return the counter of an identity, whether there is one or not; `login` is its e-mail, or the account that changes its password."""
    return Counter(vault.mac(PURPOSE, b"identity", organization.encode(), login.encode()), IDENTITY)


def address_counter(vault: Vault, address: str) -> Counter:
    """Return the counter of a client address, for all organizations together."""
    return Counter(vault.mac(PURPOSE, b"address", address.encode()), ADDRESS)


def refuse_weak(password: str, email: str, pointer: str) -> None:
    """Raise Problem 422 for a password that the policy does not allow."""
    fault = policy.password_fault(password, email)
    if fault:
        raise invalid(pointer, *fault)


class _Turns:
    """One attempt at a time per identity in this process, so that a hundred guesses at once are not all let in before the first has failed."""

    def __init__(self) -> None:
        self._locks: dict[bytes, tuple[asyncio.Lock, list[None]]] = {}

    @asynccontextmanager
    async def take(self, key: bytes) -> AsyncIterator[None]:
        lock, waiting = self._locks.setdefault(key, (asyncio.Lock(), []))
        if len(waiting) > MOST_WAITING:
            raise too_many(1)
        waiting.append(None)
        try:
            async with lock:
                yield
        finally:
            waiting.pop()
            if not waiting:
                self._locks.pop(key, None)


_turns = _Turns()


def too_many(seconds: int) -> Problem:
    """429 with the time to wait."""
    return Problem(429, "too-many-attempts", "Too many failed attempts: wait.", headers={"Retry-After": str(seconds)})


@asynccontextmanager
async def attempt(engine: AsyncEngine, counters: Sequence[Counter]) -> AsyncIterator[None]:
    """Let one guess be made, in turn with others at the first counter's identity. Raises Problem 429 while a counter is locked."""
    async with _turns.take(counters[0].key):
        now = clock.now()
        async with transaction(engine) as session:
            known = await queries.find_failures(session, [counter.key for counter in counters])
        seconds = max(policy.locked_for(counter.limit, known.get(counter.key), now) for counter in counters)
        if seconds:
            raise too_many(seconds)
        yield


async def record_failure(engine: AsyncEngine, counters: Sequence[Counter]) -> None:
    """Count a failed guess, in a transaction of its own: the request that failed answers 401, and its own is rolled back."""
    now = clock.now()
    async with transaction(engine) as session:
        # Sorted, so that two failures that share counters cannot wait for each other in a circle.
        for counter in sorted(counters, key=lambda one: one.key):
            await session.execute(
                text(
                    "INSERT INTO login_limit (key, failures, counted_at) VALUES (:key, 0, :now) ON CONFLICT DO NOTHING"
                ),
                {"key": counter.key, "now": now},
            )
            row = await queries.lock_limit(session, counter.key)
            if row is not None:
                before = Failures(row.failures, row.counted_at, row.locked_until)
                after = policy.after_failure(counter.limit, before, now)
                row.failures, row.counted_at, row.locked_until = after.count, after.counted_at, after.locked_until


async def forgive(session: Session, counter: Counter) -> None:
    """Forget the failures of an identity that has signed in."""
    await session.execute(text("DELETE FROM login_limit WHERE key = :key"), {"key": counter.key})


async def rehash(session: Session, account_id: UUID, before: str, after: str) -> None:
    """Put a hash with today's parameters in the place of one with yesterday's, unless the password was changed meanwhile."""
    await session.execute(
        text("UPDATE credential SET hash = :after WHERE account_id = :account_id AND hash = :before"),
        {"account_id": account_id, "before": before, "after": after},
    )


async def forget_old(session: Session) -> None:
    """Delete the counters whose failures are forgotten."""
    oldest = clock.now() - max(IDENTITY.forgotten_after, ADDRESS.forgotten_after)
    await session.execute(text("DELETE FROM login_limit WHERE counted_at <= :oldest"), {"oldest": oldest})
