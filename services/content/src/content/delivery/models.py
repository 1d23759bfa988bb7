"""The table of deliveries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlmodel import Field

from content.tables import Table


class Delivery(Table, table=True):
    """One item to one place at one time: by an occurrence of a slot, or sent."""

    __tablename__ = "delivery"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    group_id: UUID | None = None
    item_id: UUID
    slot_id: UUID | None = None
    occurrence_id: UUID | None = None
    kind: str
    theme_id: UUID | None = None
    fallback: bool = False
    late_policy: str
    tolerance_seconds: int
    due_at: datetime = Field(sa_type=DateTime(timezone=True))
    state: str
    reason: str | None = None
    post_id: UUID | None = None
    delivered_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    requested_by: UUID
    attempts: int = 0
    retry_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    version: int = 1


class DeliveryReach(Table, table=True):
    """When a channel had carried a delivery, and to how many people."""

    __tablename__ = "delivery_reach"

    delivery_id: UUID = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    organization_id: UUID
    reached_at: datetime = Field(sa_type=DateTime(timezone=True))
    recipients: int
