"""The table of orders as partners told them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field

from gateway.tables import Instant, Table


class PartnerOrder(Table, table=True):
    """An order, whole, in its newest version."""

    __tablename__ = "partner_order"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    client_id: UUID
    source: str
    external_id: str
    order_version: int = Field(sa_type=BigInteger)
    contact: str | None
    contact_id: UUID | None
    """By which its buyer is found; none as well when the contact became nobody after the buyer was known, who stays then."""
    contact_forgotten: bool = False
    """Who bought it was erased: the buyer stays as it is, whomever the partner names in it later."""
    account_id: UUID | None
    community_id: UUID | None
    post_id: UUID | None
    placed_at: datetime = Field(sa_type=Instant)
    currency: str
    amount_fen: int = Field(sa_type=BigInteger)
    refunded_fen: int = Field(sa_type=BigInteger)
    refunds_in_other_currencies: int = 0
    cancelled: bool
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    version: int = Field(sa_type=BigInteger)
