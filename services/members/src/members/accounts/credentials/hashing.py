"""Argon2id in threads of its own: the event loop never waits for a hash, and no flood of passwords fills the memory."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Annotated, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import Depends, Request

from chassis.errors import Problem
from chassis.runtime import Runtime, runtime_of
from members.accounts.credentials.policy import normalise_password
from members.settings import settings_of

T = TypeVar("T")


class Hasher:
    """Hashes and verifies passwords, so many at a time; past its queue it says 503 rather than keep people waiting."""

    def __init__(self, *, time_cost: int, memory_kib: int, threads: int, queue: int) -> None:
        self._argon2 = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._room = threads + queue
        self._decoy: str | None = None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._room == 0:
            raise Problem(503, "busy", "Too many sign-ins at this moment.", headers={"Retry-After": "1"})
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._room += 1

    async def hash(self, password: str) -> str:
        """Return the hash to store. Raises Problem 503."""
        return await self._run(lambda: self._argon2.hash(normalise_password(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether the password is the one that was hashed; with nothing stored, take as long and say no. Raises Problem 503."""
        return await self._run(lambda: self._verify(stored, password))

    def _verify(self, stored: str | None, password: str) -> bool:
        if self._decoy is None:
            self._decoy = self._argon2.hash(secrets.token_urlsafe())
        try:
            return self._argon2.verify(stored or self._decoy, normalise_password(password)) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(stored)


@lru_cache(maxsize=4)
def _hasher(time_cost: int, memory_kib: int, threads: int, queue: int) -> Hasher:
    return Hasher(time_cost=time_cost, memory_kib=memory_kib, threads=threads, queue=queue)


def hasher_of(runtime: Runtime) -> Hasher:
    """Return the process's hasher."""
    settings = settings_of(runtime)
    return _hasher(settings.argon2_time_cost, settings.argon2_memory_kib, settings.hash_threads, settings.hash_queue)


async def _of_request(request: Request) -> Hasher:
    return hasher_of(runtime_of(request))


Hashing = Annotated[Hasher, Depends(_of_request)]
"""The hasher, for a route."""
