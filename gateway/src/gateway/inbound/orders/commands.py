"""Recording what partners tell of orders, whatever the order in which it comes, and telling of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from chassis import clock, outbox
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from contracts.members import contact_id_of
from contracts.partners import PartnerOrderEvent, PartnerOrderRecorded, PartnerOrderRefunded
from gateway.inbound.orders import policy, queries
from gateway.inbound.orders.models import PartnerOrder
from gateway.inbound.orders.policy import OrderName, OrderNews, Outcome, RefundNews

# Orders, their refunds and their buyers are told apart from one another, and none sees what another has not committed yet: these locks
# have each wait for the other. Always the order before the contact.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7))")
# Orders of one buyer need not wait for one another, only for a merge of the buyer or their erasure.
_SHARE = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 7))")
_SURVIVOR = text("SELECT survivor_id FROM partner_gone WHERE account_id = :account_id")
_KNOW = text("""
INSERT INTO partner_contact (client_id, contact_id, organization_id, account_id, link_version)
VALUES (:client_id, :contact_id, :organization_id, :account_id, :link_version)
ON CONFLICT (client_id, contact_id) DO UPDATE SET account_id = EXCLUDED.account_id, link_version = EXCLUDED.link_version
WHERE partner_contact.link_version <= EXCLUDED.link_version
RETURNING 1
""")
_CONTACT = text("SELECT account_id FROM partner_contact WHERE client_id = :client_id AND contact_id = :contact_id")
# Whoever the partner calls so later is somebody else: what was bought before stays the buyer's.
_DETACH = text("""
UPDATE partner_order SET contact_id = NULL
WHERE client_id = :client_id AND contact_id = :contact_id AND account_id IS NOT NULL
""")
_REFUND = text("""
INSERT INTO partner_refund
    (client_id, source, order_external_id, external_id, organization_id, refund_version, amount_fen, currency, refunded_at)
VALUES (:client_id, :source, :order, :external_id, :organization_id, :version, :amount_fen, :currency, :refunded_at)
ON CONFLICT (client_id, source, order_external_id, external_id) DO UPDATE SET refund_version = EXCLUDED.refund_version,
    amount_fen = EXCLUDED.amount_fen, currency = EXCLUDED.currency, refunded_at = EXCLUDED.refunded_at
""")
_REFUND_KNOWN = text("""
SELECT refund_version, amount_fen, currency, refunded_at FROM partner_refund
WHERE client_id = :client_id AND source = :source AND order_external_id = :order AND external_id = :external_id
""")
_REFUNDED = text("""
SELECT coalesce(sum(amount_fen) FILTER (WHERE currency = :currency), 0)::bigint AS fen,
    max(refunded_at) FILTER (WHERE currency = :currency) AS latest, count(*) FILTER (WHERE currency <> :currency) AS others
FROM partner_refund WHERE client_id = :client_id AND source = :source AND order_external_id = :order
""")
_ATTRIBUTE = text("""
UPDATE partner_order SET account_id = :account_id, version = version + 1, updated_at = :now
WHERE client_id = :client_id AND contact_id = :contact_id AND account_id IS DISTINCT FROM :account_id
RETURNING *
""")
_MERGE_NAMES = text("""
INSERT INTO partner_gone (account_id, organization_id, survivor_id) VALUES (:merged, :organization_id, :survivor)
ON CONFLICT (account_id) DO UPDATE SET survivor_id = EXCLUDED.survivor_id WHERE partner_gone.survivor_id IS NOT NULL
""")
_MERGE_CHAIN = text("UPDATE partner_gone SET survivor_id = :survivor WHERE survivor_id = :merged")
_MERGE_CONTACTS = text("UPDATE partner_contact SET account_id = :survivor WHERE account_id = :merged")
_ERASE_CHAIN = text("UPDATE partner_gone SET survivor_id = NULL WHERE survivor_id = :erased")
_ERASE_NAME = text("""
INSERT INTO partner_gone (account_id, organization_id) VALUES (:erased, :organization_id)
ON CONFLICT (account_id) DO UPDATE SET survivor_id = NULL
""")
_ERASE_CONTACTS = text("DELETE FROM partner_contact WHERE account_id = :erased")
_ERASE_ORDERS = text("""
UPDATE partner_order SET account_id = NULL, contact = NULL, contact_id = NULL, contact_forgotten = true, version = version + 1,
    updated_at = :now
WHERE account_id = :erased RETURNING *
""")
_MERGE_ORDERS = text("""
UPDATE partner_order SET account_id = :survivor, version = version + 1, updated_at = :now WHERE account_id = :merged
RETURNING *
""")


HEARD = 0
"""The version of what only an answer of members said: their news of a contact outranks it."""


async def _lock(session: Session, *parts: object) -> None:
    await session.execute(_LOCK, {"name": "\x1f".join(map(str, parts))})


async def _share(session: Session, account_id: UUID) -> None:
    await session.execute(_SHARE, {"name": f"account\x1f{account_id}"})


def _emit(
    session: Session,
    kind: type[PartnerOrderEvent],
    order: Any,  # noqa: ANN401  a PartnerOrder or a row like it
    occurred_at: datetime,
    actor: UUID | None,
) -> None:
    event = kind(
        order_id=order.id,
        client_id=order.client_id,
        source=order.source,
        external_id=order.external_id,
        account_id=order.account_id,
        community_id=order.community_id,
        post_id=order.post_id,
        placed_at=order.placed_at,
        currency=order.currency,
        amount_fen=order.amount_fen,
        refunded_fen=order.refunded_fen,
        cancelled=order.cancelled,
    )
    outbox.emit(
        session,
        event,
        organization_id=order.organization_id,
        aggregate_id=order.id,
        version=order.version,
        community_id=order.community_id,
        actor=actor,
        occurred_at=occurred_at,
    )


async def _account_of(session: Session, client_id: UUID, contact_id: UUID | None) -> UUID | None:
    if contact_id is None:
        return None
    await _lock(session, "contact", contact_id)
    locked: UUID | None = None
    while True:
        found = await session.execute(_CONTACT, {"client_id": client_id, "contact_id": contact_id})
        account: UUID | None = found.scalar_one_or_none()
        if account == locked or account is None:
            return account
        # A merge or an erasure that is under way does not see what is not committed yet: it is waited for, and waits until the commit.
        await _share(session, account)
        locked = account


async def _survivor_of(session: Session, account_id: UUID) -> UUID | None:
    """Return who an account is by now, None when its person was erased; neither happens to them before the commit."""
    await _share(session, account_id)
    gone = (await session.execute(_SURVIVOR, {"account_id": account_id})).one_or_none()
    if gone is None:
        return account_id
    return None if gone.survivor_id is None else await _survivor_of(session, gone.survivor_id)


class _Refunds(NamedTuple):
    """What was given back of an order in its currency, when at last, and how many refunds are in others."""

    fen: int
    latest: datetime | None
    others: int


async def _refunds(session: Session, name: OrderName, currency: str) -> _Refunds:
    found = await session.execute(
        _REFUNDED,
        {"client_id": name.client_id, "source": name.source, "order": name.external_id, "currency": currency},
    )
    return _Refunds(*found.one())


def _reused() -> Problem:
    return Problem(409, "version-reused", "This version was told before, and said something else.")


def _differs(news: OrderNews, order: PartnerOrder) -> bool:
    """Tell whether the version that is known said something else. Whose order it was may have been forgotten: that is no difference."""
    known = OrderNews(
        version=order.order_version,
        placed_at=order.placed_at,
        currency=order.currency,
        amount_fen=order.amount_fen,
        contact=news.contact if order.contact_forgotten else order.contact,
        cancelled=order.cancelled,
        community_id=order.community_id,
        post_id=order.post_id,
    )
    return news != known


def _keeps_buyer(order: PartnerOrder, contact_id: UUID | None) -> bool:
    """Tell whether the buyer stays, whoever has the contact by now: who bought was erased, or gave up the contact that the partner still names."""
    if order.contact_forgotten or order.contact is None or order.contact_id is not None:
        return order.contact_forgotten
    return contact_id_of(order.client_id, order.contact) == contact_id


async def record(
    session: Session, organization_id: UUID, name: OrderName, news: OrderNews
) -> tuple[Outcome, PartnerOrder]:
    """Record an order as a partner tells it; older news changes nothing. Raises Problem 409 when a version is told again otherwise."""
    await _lock(session, "order", name.client_id, name.source, name.external_id)
    contact_id = contact_id_of(name.client_id, news.contact) if news.contact is not None else None
    # Before the order's row: who has the contact waits for that.
    account_id = await _account_of(session, name.client_id, contact_id)
    order = await queries.find_order(session, name, lock=True)
    if order is not None and news.version <= order.order_version:
        outcome = policy.compare(order.order_version, news.version)
        if outcome is Outcome.REPEATED and _differs(news, order):
            raise _reused()
        return outcome, order
    given_back = await _refunds(session, name, news.currency)
    now = clock.now()
    refunded = policy.refunded(news.amount_fen, given_back.fen)
    if order is None:
        order = PartnerOrder(
            id=new_id(),
            organization_id=organization_id,
            client_id=name.client_id,
            source=name.source,
            external_id=name.external_id,
            order_version=news.version,
            contact=news.contact,
            contact_id=contact_id,
            account_id=account_id,
            community_id=news.community_id,
            post_id=news.post_id,
            placed_at=news.placed_at,
            currency=news.currency,
            amount_fen=news.amount_fen,
            refunded_fen=0,
            cancelled=False,
            created_at=now,
            updated_at=now,
            version=1,
        )
        session.add(order)
        before = (0, False)
    else:
        before = (order.refunded_fen, order.cancelled)
        if not _keeps_buyer(order, contact_id):
            order.contact, order.contact_id, order.account_id = news.contact, contact_id, account_id
        order.order_version = news.version
        order.community_id, order.post_id = news.community_id, news.post_id
        order.placed_at, order.currency, order.amount_fen = news.placed_at, news.currency, news.amount_fen
        order.refunded_fen = min(order.refunded_fen, refunded)
        order.cancelled = order.cancelled and news.cancelled
        order.updated_at, order.version = now, order.version + 1
    order.refunds_in_other_currencies = given_back.others
    _emit(session, PartnerOrderRecorded, order, news.placed_at, name.client_id)
    if news.cancelled > before[1] or refunded > order.refunded_fen:
        # What was taken back is told as such, after what was ordered: who follows refunds only must hear of it too.
        order.refunded_fen, order.cancelled, order.version = refunded, news.cancelled, order.version + 1
        came_back = given_back.latest if given_back.latest is not None and refunded > before[0] else now
        _emit(session, PartnerOrderRefunded, order, came_back, name.client_id)
    await session.flush()
    return Outcome.APPLIED, order


async def refund(
    session: Session, organization_id: UUID, name: OrderName, news: RefundNews
) -> tuple[Outcome, PartnerOrder | None]:
    """Record money that was given back, once by its id. It waits for its order when that was not told yet.

    Raises Problem 409 for another currency than the order's, and when a version is told again otherwise.
    """
    await _lock(session, "order", name.client_id, name.source, name.external_id)
    identity = {
        "client_id": name.client_id,
        "source": name.source,
        "order": name.external_id,
        "external_id": news.external_id,
    }
    order = await queries.find_order(session, name, lock=True)
    known = (await session.execute(_REFUND_KNOWN, identity)).one_or_none()
    if known is not None and news.version <= known.refund_version:
        outcome = policy.compare(known.refund_version, news.version)
        told = (known.amount_fen, known.currency, known.refunded_at)
        if outcome is Outcome.REPEATED and told != (news.amount_fen, news.currency, news.refunded_at):
            raise _reused()
        return outcome, order
    if order is not None and order.currency != news.currency:
        raise Problem(409, "currency-mismatch", f"The order is in {order.currency}.")
    await session.execute(
        _REFUND,
        {
            **identity,
            "organization_id": organization_id,
            "version": news.version,
            "amount_fen": news.amount_fen,
            "currency": news.currency,
            "refunded_at": news.refunded_at,
        },
    )
    if order is None:
        return Outcome.APPLIED, None
    given_back = await _refunds(session, name, order.currency)
    order.refunds_in_other_currencies = given_back.others
    refunded = policy.refunded(order.amount_fen, given_back.fen)
    if refunded != order.refunded_fen:
        order.refunded_fen, order.updated_at, order.version = refunded, clock.now(), order.version + 1
        _emit(session, PartnerOrderRefunded, order, news.refunded_at, name.client_id)
    await session.flush()
    return Outcome.APPLIED, order


async def know_contact(
    session: Session,
    organization_id: UUID,
    client_id: UUID,
    contact_id: UUID,
    account_id: UUID,
    link_version: int = HEARD,
) -> None:
    """Take in whom a partner's contact is, and correct the orders that it placed; nothing happens when newer is known."""
    await _lock(session, "contact", contact_id)
    survivor_id = await _survivor_of(session, account_id)
    if survivor_id is None:
        return
    contact = {"client_id": client_id, "contact_id": contact_id, "account_id": survivor_id}
    known = await session.execute(_KNOW, {**contact, "organization_id": organization_id, "link_version": link_version})
    if known.scalar_one_or_none() is None:
        return
    orders = await session.execute(_ATTRIBUTE, {**contact, "now": clock.now()})
    for order in orders.all():
        _emit(session, PartnerOrderRecorded, order, order.placed_at, None)


async def forget_contact(
    session: Session, organization_id: UUID, client_id: UUID, contact_id: UUID, link_version: int
) -> None:
    """Take in that a partner's contact is nobody any more: orders to come have no buyer, those that were placed keep theirs."""
    await _lock(session, "contact", contact_id)
    contact = {"client_id": client_id, "contact_id": contact_id}
    nobody = {**contact, "organization_id": organization_id, "account_id": None, "link_version": link_version}
    if (await session.execute(_KNOW, nobody)).scalar_one_or_none() is not None:
        await session.execute(_DETACH, contact)


async def merge_accounts(session: Session, organization_id: UUID, merged: UUID, survivor: UUID) -> None:
    """Let what one account bought be the other's, from now on too; nobody's when the other was erased before this was heard."""
    await _lock(session, "account", merged)
    survivor_id = await _survivor_of(session, survivor)
    if survivor_id is None:
        await erase_account(session, organization_id, merged)
    if survivor_id in {None, merged}:
        return
    accounts = {"merged": merged, "survivor": survivor_id}
    await session.execute(_MERGE_CHAIN, accounts)
    await session.execute(_MERGE_NAMES, {**accounts, "organization_id": organization_id})
    await session.execute(_MERGE_CONTACTS, accounts)
    orders = await session.execute(_MERGE_ORDERS, {**accounts, "now": clock.now()})
    for order in orders.all():
        _emit(session, PartnerOrderRecorded, order, order.placed_at, None)


async def erase_account(session: Session, organization_id: UUID, erased: UUID) -> None:
    """Let nothing here lead to a person any more; orders stay for the books, without a buyer."""
    await _lock(session, "account", erased)
    values = {"erased": erased, "organization_id": organization_id, "now": clock.now()}
    await session.execute(_ERASE_CHAIN, values)
    await session.execute(_ERASE_NAME, values)
    await session.execute(_ERASE_CONTACTS, values)
    for order in (await session.execute(_ERASE_ORDERS, values)).all():
        _emit(session, PartnerOrderRecorded, order, order.placed_at, None)
