"""Idempotency-Key: the answer of a write is stored in the write's own transaction, and given again to the same caller.

Answers are sealed with a key of the installation: some hold a secret that is shown once, and many hold personal data.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text
from starlette.responses import Response

from chassis import clock, due
from chassis.db import Session
from chassis.errors import Problem

KEPT = timedelta(hours=24)
PURGE_KIND = "idempotency.purge"
LONGEST_KEY = 255
_KEPT_HEADERS = ("content-type", "cache-control", "etag", "location", "hearth-position")

jobs = due.Jobs()


_NONCE_BYTES = 12


class Seal:
    """Seals stored answers, each for its caller and key alone."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(hashlib.sha256(f"idempotency:{secret}".encode()).digest())

    def close(self, body: bytes, place: str) -> bytes:
        """Return the sealed body."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, body, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes | None:
        """Return the body, None when it was sealed with another secret or for another place."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except InvalidTag:
            return None


@dataclass(frozen=True)
class Key:
    """One caller's key for one request."""

    organization_id: UUID
    caller: str
    key: str
    print: bytes

    @property
    def place(self) -> str:
        """What names it in locks and seals."""
        return f"{self.organization_id}:{self.caller}:{self.key}"


def fingerprint(method: str, path: str, query: bytes, body: bytes) -> bytes:
    """Return what must be equal for a repeated key to be the same request."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), query, body))).digest()


async def begin(session: Session, seal: Seal, key: Key) -> Response | None:
    """Take the key for this transaction, or return the stored answer. Raises Problem 409 for a twin in flight, 422 for another body."""
    if not 1 <= len(key.key) <= LONGEST_KEY or not key.key.isprintable() or not key.key.isascii():
        raise Problem(400, "idempotency-key-malformed", "Idempotency-Key takes 1 to 255 printable ASCII characters.")
    # A plain INSERT would wait for the twin's transaction; a lock that is only tried says at once that there is one.
    mine = await session.execute(
        text("SELECT pg_try_advisory_xact_lock(hashtext('idempotency'), hashtext(:place))"), {"place": key.place}
    )
    if not mine.scalar_one():
        raise Problem(
            409, "idempotency-key-in-use", "A request with this key is being worked on.", headers={"Retry-After": "1"}
        )
    found = await session.execute(
        text(
            "SELECT fingerprint, status, headers::text AS headers, body FROM idempotency "
            "WHERE organization_id = :organization_id AND caller = :caller AND key = :key AND created_at > :oldest"
        ),
        {
            "organization_id": key.organization_id,
            "caller": key.caller,
            "key": key.key,
            "oldest": clock.now() - KEPT,
        },
    )
    row = found.one_or_none()
    if row is None:
        return None
    if bytes(row.fingerprint) != key.print:
        raise Problem(422, "idempotency-key-reused", "This key was used for another request.")
    body = seal.open(bytes(row.body), key.place)
    if body is None:
        raise Problem(409, "idempotency-answer-lost", "This request was done; its answer cannot be read any more.")
    return Response(body, row.status, headers={**orjson.loads(row.headers), "idempotency-replayed": "true"})


async def finish(session: Session, seal: Seal, key: Key, answer: Response) -> None:
    """Store the answer with the write, and have the tenant's old ones purged."""
    await session.execute(
        text(
            "INSERT INTO idempotency (organization_id, caller, key, fingerprint, status, headers, body, created_at) "
            "VALUES (:organization_id, :caller, :key, :print, :status, CAST(:headers AS jsonb), :body, :now) "
            "ON CONFLICT (organization_id, caller, key) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, "
            "status = EXCLUDED.status, headers = EXCLUDED.headers, body = EXCLUDED.body, created_at = EXCLUDED.created_at"
        ),
        {
            "organization_id": key.organization_id,
            "caller": key.caller,
            "key": key.key,
            "print": key.print,
            "status": answer.status_code,
            "headers": orjson.dumps(
                {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
            ).decode(),
            "body": seal.close(bytes(answer.body), key.place),
            "now": clock.now(),
        },
    )
    await due.schedule(session, key.organization_id, PURGE_KIND, "all", clock.now() + KEPT, keep=True)


@jobs.on(PURGE_KIND)
async def purge(session: Session, work: due.Due) -> None:
    """Forget answers older than a day; come back when the next one is."""
    await session.execute(text("DELETE FROM idempotency WHERE created_at <= :oldest"), {"oldest": clock.now() - KEPT})
    oldest = (await session.execute(text("SELECT min(created_at) FROM idempotency"))).scalar_one()
    if oldest is not None:
        await due.schedule(session, work.organization_id, PURGE_KIND, "all", oldest + KEPT, keep=True)
