"""Failed sign-ins."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from members.tables import Instant, Table


class LoginLimit(Table, table=True):
    """The failures of one identity or one client address, known by a keyed hash only."""

    __tablename__ = "login_limit"

    key: bytes = Field(primary_key=True)
    failures: int
    locked_until: datetime | None = Field(default=None, sa_type=Instant)
    counted_at: datetime = Field(sa_type=Instant)
