"""Keeping a message: once by its id, with the work that it makes, before it is answered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from chassis import clock
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.vault import Vault
from gateway.inbound.reception.schemas import ReceiptAccepted

BODY = "inbound body"


# One statement: who comes second with the same id waits for the first to commit, and for nothing else.
_KEEP = text("""
WITH kept AS (
    INSERT INTO inbound_receipt (id, organization_id, source_id, message_id, digest, body, sent_at, received_at, state, tried_since)
    VALUES (:id, :organization_id, :source_id, :message_id, :digest, :body, :sent_at, :now, 'waiting', :now)
    ON CONFLICT (source_id, message_id) DO NOTHING RETURNING id
), queued AS (
    INSERT INTO inbound_queue (receipt_id, organization_id, due_at) SELECT id, :organization_id, :now FROM kept
)
SELECT id FROM kept
""")
_FOUND = text("SELECT id, digest FROM inbound_receipt WHERE source_id = :source_id AND message_id = :message_id")


@dataclass(frozen=True, slots=True)
class Message:
    """A verified message."""

    id: str
    body: bytes
    sent_at: datetime | None


async def keep(
    session: Session,
    vault: Vault,
    organization_id: UUID,
    source_id: UUID,
    message: Message,
) -> ReceiptAccepted:
    """Keep a verified message. Raises Problem 409 when its id came with other bytes."""
    receipt_id, digest = new_id(), hashlib.sha256(message.body).digest()
    kept = await session.execute(
        _KEEP,
        {
            "id": receipt_id,
            "organization_id": organization_id,
            "source_id": source_id,
            "message_id": message.id,
            "digest": digest,
            "body": vault.seal(BODY, message.body, receipt_id.bytes),
            "sent_at": message.sent_at,
            "now": clock.now(),
        },
    )
    if kept.scalar_one_or_none() is not None:
        return ReceiptAccepted(receipt_id=receipt_id, duplicate=False)
    found = (await session.execute(_FOUND, {"source_id": source_id, "message_id": message.id})).one()
    if bytes(found.digest) != digest:
        raise Problem(409, "message-id-reused", "A message with this id came before, and it was another.")
    return ReceiptAccepted(receipt_id=found.id, duplicate=True)
