"""What a partner is answered."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from chassis.schemas import Output


class ReceiptAccepted(Output):
    """The message is kept, and will be applied."""

    receipt_id: UUID
    duplicate: bool = Field(description="whether it had come before; it counts once")
