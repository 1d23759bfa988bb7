"""Worth as rows. What it is counted from (touches, days, returns, attributions) only SQL speaks of."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import DateTime
from sqlmodel import Field

from content.tables import Table


class Worth(Table, table=True):
    """What a piece did for its readers, as it was counted last."""

    __tablename__ = "worth"

    post_id: UUID = Field(primary_key=True)
    organization_id: UUID
    community_id: UUID
    readers: int
    saves: int
    discussants: int
    repliers: int
    compared: int
    returned: int
    expected: Decimal
    referrals: int
    orders: int
    score_version: int
    points: Decimal
    score: Decimal
    counted_at: datetime = Field(sa_type=DateTime(timezone=True))
