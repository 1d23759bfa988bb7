"""Orders as rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime
from sqlmodel import Field

from engagement.tables import Table


class CustomerOrder(Table, table=True):
    """An order as its partner told it last. `told_version` is the partner's, `version` that of the events told of it here."""

    __tablename__ = "customer_order"

    order_id: UUID = Field(primary_key=True)
    organization_id: UUID
    account_id: UUID | None
    community_id: UUID | None
    post_id: UUID | None
    client_id: UUID
    source: str
    external_id: str
    placed_at: datetime = Field(sa_type=DateTime(timezone=True))
    currency: str
    amount_fen: int = Field(sa_type=BigInteger)
    reversed_fen: int = Field(sa_type=BigInteger)
    cancelled: bool
    told_version: int = Field(sa_type=BigInteger)
    version: int = Field(sa_type=BigInteger)


class GoneAccount(Table, table=True):
    """An account that buys nothing any more: it became another one, or its person was erased and it became none."""

    __tablename__ = "gone_account"

    account_id: UUID = Field(primary_key=True)
    organization_id: UUID
    became: UUID | None
