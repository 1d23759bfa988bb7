"""Idempotency-Key: the answer of a write is stored in the write's own transaction, and given again to the same caller."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID

import orjson
from sqlalchemy import text
from starlette.responses import Response

from chassis import clock, due
from chassis.db import Session
from chassis.errors import Problem

KEPT = timedelta(hours=24)
PURGE_KIND = "idempotency.purge"
LONGEST_KEY = 255
_KEPT_HEADERS = ("content-type", "etag", "location", "hearth-position")

jobs = due.Jobs()


def fingerprint(method: str, path: str, query: bytes, body: bytes) -> bytes:
    """Return what must be equal for a repeated key to be the same request."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), query, body))).digest()


async def begin(session: Session, organization_id: UUID, caller: str, key: str, print_: bytes) -> Response | None:
    """Take the key for this transaction, or return the stored answer. Raises Problem 409 for a twin in flight, 422 for another body."""
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable() or not key.isascii():
        raise Problem(400, "idempotency-key-malformed", "Idempotency-Key takes 1 to 255 printable ASCII characters.")
    # A plain INSERT would wait for the twin's transaction; a lock that is only tried says at once that there is one.
    mine = await session.execute(
        text("SELECT pg_try_advisory_xact_lock(hashtext('idempotency'), hashtext(:key))"),
        {"key": f"{organization_id}:{caller}:{key}"},
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
        {"organization_id": organization_id, "caller": caller, "key": key, "oldest": clock.now() - KEPT},
    )
    row = found.one_or_none()
    if row is None:
        return None
    if bytes(row.fingerprint) != print_:
        raise Problem(422, "idempotency-key-reused", "This key was used for another request.")
    return Response(bytes(row.body), row.status, headers={**orjson.loads(row.headers), "idempotency-replayed": "true"})


async def finish(
    session: Session, organization_id: UUID, caller: str, key: str, print_: bytes, answer: Response
) -> None:
    """Store the answer with the write, and have the tenant's old ones purged."""
    await session.execute(
        text(
            "INSERT INTO idempotency (organization_id, caller, key, fingerprint, status, headers, body, created_at) "
            "VALUES (:organization_id, :caller, :key, :print, :status, CAST(:headers AS jsonb), :body, :now) "
            "ON CONFLICT (organization_id, caller, key) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, "
            "status = EXCLUDED.status, headers = EXCLUDED.headers, body = EXCLUDED.body, created_at = EXCLUDED.created_at"
        ),
        {
            "organization_id": organization_id,
            "caller": caller,
            "key": key,
            "print": print_,
            "status": answer.status_code,
            "headers": orjson.dumps(
                {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
            ).decode(),
            "body": bytes(answer.body),
            "now": clock.now(),
        },
    )
    await due.schedule(session, organization_id, PURGE_KIND, "all", clock.now() + KEPT, keep=True)


@jobs.on(PURGE_KIND)
async def purge(session: Session, work: due.Due) -> None:
    """Forget answers older than a day; come back when the next one is."""
    await session.execute(text("DELETE FROM idempotency WHERE created_at <= :oldest"), {"oldest": clock.now() - KEPT})
    oldest = (await session.execute(text("SELECT min(created_at) FROM idempotency"))).scalar_one()
    if oldest is not None:
        await due.schedule(session, work.organization_id, PURGE_KIND, "all", oldest + KEPT, keep=True)
