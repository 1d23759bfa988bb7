"""What HTTP returns of acknowledgements."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from chassis.schemas import Output


class AcknowledgementOut(Output):
    """One member's word that they have read an announcement."""

    post_id: UUID
    account_id: UUID
    acknowledged_at: datetime


class ReceiptOut(Output):
    """Whether one member has acknowledged an announcement."""

    account_id: UUID
    acknowledged_at: datetime | None = Field(description="null: not yet")


class ReceiptFiguresOut(Output):
    """How far an announcement has come. Staff and bots are not asked, nor members of other groups than its own."""

    post_id: UUID
    asked: int = Field(description="members of today who are asked to acknowledge it", examples=[120])
    acknowledged: int = Field(description="those of them who have", examples=[87])
    outstanding: int = Field(description="those of them who have not", examples=[33])


class ReminderOut(Output):
    """One reminding of all who had not acknowledged an announcement by then."""

    id: UUID
    post_id: UUID
    requested_by: UUID
    requested_at: datetime
    reminded: int = Field(description="members so far", examples=[33])
    finished_at: datetime | None
