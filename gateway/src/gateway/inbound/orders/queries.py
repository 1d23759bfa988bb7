"""Reading orders."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from chassis.db import Session
from chassis.errors import not_found
from gateway.inbound.orders.models import PartnerOrder
from gateway.inbound.orders.policy import OrderName


async def find_order(session: Session, name: OrderName, *, lock: bool = False) -> PartnerOrder | None:
    """Return an order, None when nothing was told of it."""
    query = select(PartnerOrder).where(
        PartnerOrder.client_id == name.client_id,  # type: ignore[arg-type]
        PartnerOrder.source == name.source,  # type: ignore[arg-type]
        PartnerOrder.external_id == name.external_id,  # type: ignore[arg-type]
    )
    query = query.execution_options(populate_existing=True)
    return (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()


async def get_order(session: Session, name: OrderName) -> PartnerOrder:
    """Return an order. Raises Problem 404."""
    found = await find_order(session, name)
    if found is None:
        raise not_found("order")
    return found


async def list_orders(
    session: Session, *, client_id: UUID | None, limit: int, before: UUID | None
) -> list[PartnerOrder]:
    """Return orders, the newest first."""
    query = select(PartnerOrder).order_by(PartnerOrder.id.desc()).limit(limit)  # type: ignore[attr-defined]
    if client_id is not None:
        query = query.where(PartnerOrder.client_id == client_id)  # type: ignore[arg-type]
    if before is not None:
        query = query.where(PartnerOrder.id < before)  # type: ignore[arg-type]
    return list((await session.execute(query)).scalars())
