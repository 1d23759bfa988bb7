"""Applying a receipt: a transaction for each thing, so that messages of many wait for each other no longer than for one, in no circle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text

from chassis import clock, due
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.vault import Vault
from contracts.members import contact_id_of
from gateway.inbound.application import policy, queries
from gateway.inbound.application.policy import Answer
from gateway.inbound.mapping import policy as mapping_policy
from gateway.inbound.mapping import strict
from gateway.inbound.mapping.policy import Item
from gateway.inbound.mapping.queries import compiled
from gateway.inbound.orders import commands as orders
from gateway.inbound.orders import policy as orders_policy
from gateway.inbound.orders.models import PartnerOrder
from gateway.inbound.orders.policy import OrderName, OrderNews, Outcome, RefundNews
from gateway.inbound.reception.commands import BODY

TIDY = "inbound.tidy"
LEASE_SECONDS = 60
_TIDIED_AT_ONCE = 2000

_CLAIM = text("""
UPDATE inbound_queue SET holder = :holder, held_until = now() + make_interval(secs => :seconds)
WHERE receipt_id = (
    SELECT receipt_id FROM inbound_queue WHERE due_at <= :now AND (held_until IS NULL OR held_until < now())
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING receipt_id, organization_id
""")
_RENEW = text("""
UPDATE inbound_queue SET held_until = now() + make_interval(secs => :seconds) WHERE receipt_id = :id AND holder = :holder
""")
_RELEASE = text("UPDATE inbound_queue SET holder = NULL, held_until = NULL WHERE receipt_id = :id AND holder = :holder")
_UNQUEUE = text("DELETE FROM inbound_queue WHERE receipt_id = :id")
_LATER = text("UPDATE inbound_queue SET due_at = :at, holder = NULL, held_until = NULL WHERE receipt_id = :id")
_FAIL = text("""
UPDATE inbound_receipt SET state = 'failed', reason = :reason, faults = CAST(:faults AS jsonb), settled_at = :now,
    mapping = coalesce(:mapping, mapping), tries = tries + 1
WHERE id = :id AND state = 'waiting'
""")
_READ = text("UPDATE inbound_receipt SET mapping = :mapping WHERE id = :id")
_FORGET_ITEMS = text("DELETE FROM inbound_item WHERE receipt_id = :id")
_ADD_ITEMS = text("""
INSERT INTO inbound_item (receipt_id, position, organization_id, kind, external_id, item_version, state)
SELECT :id, position, :organization_id, kind, external_id, item_version, 'waiting'
FROM unnest(CAST(:positions AS integer[]), CAST(:kinds AS text[]), CAST(:external_ids AS text[]), CAST(:versions AS bigint[]))
    AS item(position, kind, external_id, item_version)
ON CONFLICT DO NOTHING
""")
_MARK = text("""
UPDATE inbound_item SET state = :state, reason = :reason, settled_at = CASE WHEN :state <> 'waiting' THEN CAST(:now AS timestamptz) END
WHERE receipt_id = :id AND position = :position AND state = 'waiting' RETURNING position
""")
_APPLIED = text("""
INSERT INTO inbound_applied AS known (client_id, kind, key, organization_id, item_version)
VALUES (:client_id, :kind, :key, :organization_id, :version)
ON CONFLICT (client_id, kind, key) DO UPDATE SET item_version = EXCLUDED.item_version
WHERE known.item_version < EXCLUDED.item_version
""")
_STATES = text("SELECT state FROM inbound_item WHERE receipt_id = :id")
_SETTLE = text("""
UPDATE inbound_receipt SET state = :state, reason = :reason, settled_at = :now, tries = tries + 1 WHERE id = :id AND state = 'waiting'
""")
_TRY = text("UPDATE inbound_receipt SET tries = tries + 1 WHERE id = :id RETURNING tries, tried_since")
_GIVE_UP = text("""
UPDATE inbound_item SET state = 'failed', reason = coalesce(reason, 'given-up'), settled_at = :now
WHERE receipt_id = :id AND state = 'waiting'
""")
_DROP_BODIES = text("""
UPDATE inbound_receipt SET body = NULL WHERE id IN (
    SELECT id FROM inbound_receipt WHERE body IS NOT NULL AND settled_at <= :settled LIMIT :most)
""")
_DROP_RECEIPTS = text("""
DELETE FROM inbound_receipt WHERE id IN (
    SELECT id FROM inbound_receipt WHERE received_at <= :received AND state <> 'waiting' LIMIT :most)
""")
_NEXT = text("""
SELECT min(settled_at) FILTER (WHERE body IS NOT NULL) AS settled, min(received_at) AS received
FROM inbound_receipt WHERE state <> 'waiting'
""")


@dataclass(frozen=True, slots=True)
class Claim:
    """A receipt that this process has in hand for a minute."""

    receipt_id: UUID
    organization_id: UUID
    holder: UUID


@dataclass(frozen=True, slots=True)
class Remaining:
    """What of a receipt is to be applied, in order."""

    client_id: UUID
    items: Sequence[tuple[int, Item]]


async def claim(session: Session) -> Claim | None:
    """Take the receipt in hand that has been due longest; None when none is."""
    holder = new_id()
    values = {"holder": holder, "now": clock.now(), "seconds": LEASE_SECONDS}
    row = (await session.execute(_CLAIM, values)).one_or_none()
    return None if row is None else Claim(row.receipt_id, row.organization_id, holder)


async def begin(session: Session, vault: Vault, claimed: Claim) -> Remaining | None:
    """Read a receipt and return what is to be applied; None when it is settled."""
    receipt = await queries.lock_receipt(session, claimed.receipt_id)
    if receipt is None:
        await session.execute(_UNQUEUE, {"id": claimed.receipt_id})
        return None
    items = await _items(session, vault, receipt)
    if items is None:
        return None
    waiting = await queries.waiting_positions(session, receipt.id)
    left = [(position, item) for position, item in enumerate(items) if position in waiting]
    return Remaining(receipt.client_id, policy.in_order(left))


async def _items(session: Session, vault: Vault, receipt: Row[Any]) -> Sequence[Item] | None:
    """Read a receipt by the mapping in force and note its items; None when that fails, and the receipt with it."""
    if receipt.body is None or receipt.text is None:
        await _fail(session, receipt, "body-gone" if receipt.body is None else "no-mapping", [])
        return None
    rules = compiled(receipt.text)
    if rules is None:
        await _fail(session, receipt, "mapping-invalid", [])
        return None
    message = strict.read(vault.open(BODY, bytes(receipt.body), receipt.id.bytes))
    reading = mapping_policy.apply_mapping(rules, message)
    if reading.faults:
        await _fail(session, receipt, "unmappable", [asdict(fault) for fault in reading.faults])
        return None
    if receipt.read_by != receipt.in_force:
        # Read otherwise than before: what was applied already will turn out to be known.
        await session.execute(_FORGET_ITEMS, {"id": receipt.id})
        await session.execute(_READ, {"id": receipt.id, "mapping": receipt.in_force})
    await session.execute(
        _ADD_ITEMS,
        {
            "id": receipt.id,
            "organization_id": receipt.organization_id,
            "positions": list(range(len(reading.items))),
            "kinds": [item.kind for item in reading.items],
            "external_ids": [item.external_id for item in reading.items],
            "versions": [item.version for item in reading.items],
        },
    )
    return reading.items


async def _fail(session: Session, receipt: Row[Any], reason: str, faults: list[dict[str, Any]]) -> None:
    values = {"id": receipt.id, "reason": reason, "faults": orjson.dumps(faults).decode(), "now": clock.now()}
    await session.execute(_FAIL, {**values, "mapping": receipt.in_force})
    await session.execute(_UNQUEUE, {"id": receipt.id})
    await _tidy_later(session, receipt.organization_id)


async def apply(session: Session, claimed: Claim, client_id: UUID, position: int, item: Item) -> None:
    """Apply an order or a refund, and note what became of it."""
    await _renew(session, claimed)
    answer = await _apply(session, claimed.organization_id, client_id, item)
    await _mark(session, claimed.receipt_id, position, answer)


async def _apply(session: Session, organization_id: UUID, client_id: UUID, item: Item) -> Answer:
    try:
        outcome, order = await _tell(session, organization_id, client_id, item)
    except Problem as refused:
        # Refused before anything was written, as it would be at the API.
        return Answer("failed", refused.code)
    # An order is not refused for the sake of its refunds, but what will not count is shown.
    unlike = item.kind == "order" and order is not None and order.refunds_in_other_currencies > 0
    return Answer(outcome.value, "refund-currency-mismatch" if unlike else None)


async def _tell(
    session: Session, organization_id: UUID, client_id: UUID, item: Item
) -> tuple[Outcome, PartnerOrder | None]:
    fields = dict(item.fields)
    source = fields.pop("source")
    if item.kind == "order":
        for field in ("community_id", "post_id"):
            if field in fields:
                fields[field] = UUID(fields[field])
        news = OrderNews(version=item.version, **fields)
        return await orders.record(session, organization_id, OrderName(client_id, source, item.external_id), news)
    name = OrderName(client_id, source, fields.pop("order"))
    refund = RefundNews(external_id=item.external_id, version=item.version, **fields)
    return await orders.refund(session, organization_id, name, refund)


async def _renew(session: Session, claimed: Claim) -> None:
    await session.execute(_RENEW, {"id": claimed.receipt_id, "holder": claimed.holder, "seconds": LEASE_SECONDS})


async def _mark(session: Session, receipt_id: UUID, position: int, answer: Answer) -> bool:
    """Note what became of an item; return whether it was not settled before."""
    values = {"id": receipt_id, "position": position, "state": answer.state, "reason": answer.reason}
    marked = await session.execute(_MARK, {**values, "now": clock.now()})
    return marked.scalar_one_or_none() is not None


async def compare(session: Session, client_id: UUID, item: Item) -> Outcome:
    """Return what becomes of news beside the newest that members took, if they take it."""
    newest = await queries.newest_version(session, client_id, item.kind, item.key)
    return Outcome.APPLIED if newest is None or item.version > newest else orders_policy.compare(newest, item.version)


async def note(session: Session, claimed: Claim, client_id: UUID, position: int, item: Item, answer: Answer) -> None:
    """Note what members answered, and whom they know a contact as."""
    await _renew(session, claimed)
    await _mark(session, claimed.receipt_id, position, answer)
    if answer.state == "applied":
        applied = {"client_id": client_id, "kind": item.kind, "key": item.key, "version": item.version}
        await session.execute(_APPLIED, {**applied, "organization_id": claimed.organization_id})
    if answer.account_id is not None:
        contact_id = contact_id_of(client_id, item.external_id)
        await orders.know_contact(session, claimed.organization_id, client_id, contact_id, answer.account_id)


async def settle(session: Session, organization_id: UUID, receipt_id: UUID) -> None:
    """Close a receipt when nothing of it waits; else have it tried again later, and given up after three days."""
    now = clock.now()
    states = list((await session.execute(_STATES, {"id": receipt_id})).scalars())
    outcome = policy.settled(states)
    if outcome is None:
        row = (await session.execute(_TRY, {"id": receipt_id})).one()
        if now - row.tried_since < policy.PATIENCE:
            await session.execute(_LATER, {"id": receipt_id, "at": now + policy.delay(row.tries)})
            return
        await session.execute(_GIVE_UP, {"id": receipt_id, "now": now})
        outcome = ("failed", "given-up")
    state, reason = outcome
    await session.execute(_SETTLE, {"id": receipt_id, "state": state, "reason": reason, "now": now})
    await session.execute(_UNQUEUE, {"id": receipt_id})
    await _tidy_later(session, organization_id)


async def release(session: Session, claimed: Claim) -> None:
    """Let a receipt out of hand, to be taken again at once."""
    await session.execute(_RELEASE, {"id": claimed.receipt_id, "holder": claimed.holder})


async def put_off(session: Session, claimed: Claim) -> None:
    """Try a receipt again later that could not be applied because of a fault of ours; fail it after three days."""
    row = (await session.execute(_TRY, {"id": claimed.receipt_id})).one_or_none()
    now = clock.now()
    if row is None:
        await session.execute(_UNQUEUE, {"id": claimed.receipt_id})
    elif now - row.tried_since < policy.PATIENCE:
        await session.execute(_LATER, {"id": claimed.receipt_id, "at": now + policy.delay(row.tries)})
    else:
        values = {"id": claimed.receipt_id, "reason": "internal-error", "faults": "[]", "now": now, "mapping": None}
        await session.execute(_FAIL, values)
        await session.execute(_UNQUEUE, {"id": claimed.receipt_id})


async def _tidy_later(session: Session, organization_id: UUID) -> None:
    at = clock.now() + policy.BODIES_KEPT
    await due.schedule(session, organization_id, TIDY, "all", at, keep=True)


async def tidy(session: Session, organization_id: UUID) -> None:
    """Forget bodies a month after they were settled and ids after half a year; come back when the next is."""
    now = clock.now()
    await session.execute(_DROP_BODIES, {"settled": now - policy.BODIES_KEPT, "most": _TIDIED_AT_ONCE})
    await session.execute(_DROP_RECEIPTS, {"received": now - policy.IDS_KEPT, "most": _TIDIED_AT_ONCE})
    left = (await session.execute(_NEXT)).one()
    following = [left.settled + policy.BODIES_KEPT] if left.settled else []
    following += [left.received + policy.IDS_KEPT] if left.received else []
    if following:
        await due.schedule(session, organization_id, TIDY, "all", max(min(following), now), keep=True)
