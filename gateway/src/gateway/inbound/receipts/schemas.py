"""What HTTP returns of receipts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from chassis.schemas import Output
from gateway.inbound.mapping.schemas import MappingFault


class ReceiptState(StrEnum):
    """Where a message is."""

    WAITING = "waiting"
    """It is to be applied, or something that it needs is away."""
    APPLIED = "applied"
    """All that it says was applied, or known already."""
    FAILED = "failed"
    """Something of it could not be applied: see why, mend it, and have it tried again."""


class ItemOut(Output):
    """One thing that the message said, and what became of it."""

    position: int = Field(examples=[0])
    kind: str = Field(examples=["order"])
    external_id: str = Field(examples=["SO-1"])
    version: int = Field(examples=[1795332600000000])
    state: str = Field(
        description="waiting, applied, repeated (this version was known), stale (a newer one was) or failed",
        examples=["applied"],
    )
    reason: str | None = Field(description="why it failed, or what it waits for", examples=[None])
    settled_at: datetime | None


class ReceiptOut(Output):
    """A message of a partner, and what became of it; without what it said."""

    id: UUID
    source_id: UUID
    message_id: str = Field(description="the partner's", examples=["msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"])
    sent_at: datetime | None = Field(description="as the partner signed it")
    received_at: datetime
    state: ReceiptState
    reason: str | None = Field(examples=[None])
    faults: list[MappingFault] = Field(description="what the mapping could not make of it", examples=[[]])
    mapping: int | None = Field(description="the version of the mapping by which it was read", examples=[1])
    tries: int = Field(examples=[1])
    settled_at: datetime | None
    can: list[str] = Field(examples=[[]])


class ReceiptDetailOut(ReceiptOut):
    """A message of a partner, with all that it said by kind and id."""

    items: list[ItemOut]
