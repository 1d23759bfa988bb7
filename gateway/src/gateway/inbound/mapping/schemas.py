"""What HTTP accepts and returns of mappings."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from chassis.schemas import Input, Output
from gateway.inbound.mapping.document import LONGEST

EXAMPLE = """version: 1
items:
  - kind: order
    when: {path: $.event, in: [order.paid, order.updated]}
    fields:
      external_id: $.order.id
      version: {path: $.order.updated, as: instant, unit: s}
      contact: $.order.customer_id
      placed_at: {path: $.order.placed, zone: Asia/Shanghai}
      currency: {value: CNY}
      amount_fen: {path: $.order.total, as: fen}
"""
_SAMPLE: dict[str, JsonValue] = {
    "event": "order.paid",
    "order": {
        "id": "SO-1",
        "updated": 1795332600,
        "customer_id": "C-10017",
        "placed": "2026-11-22 15:30:00",
        "total": "199.00",
    },
}


class MappingCreate(Input):
    """A mapping, to be adopted later."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mapping": EXAMPLE}]})

    mapping: str = Field(min_length=1, max_length=LONGEST, description="YAML, as docs/inbound.md says")


class DryRunCreate(MappingCreate):
    """A mapping and a message to try it on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mapping": EXAMPLE, "sample": _SAMPLE}]})

    sample: Any = Field(
        description="a message as the partner sends it; or its text, as a string, where its numbers must be exact",
        json_schema_extra={"type": ["object", "array", "string", "number", "boolean", "null"]},
    )


class MappingOut(Output):
    """A version of a source's mapping."""

    source_id: UUID
    number: int = Field(examples=[1])
    mapping: str = Field(examples=[EXAMPLE])
    adopted: bool = Field(description="whether it is in force")
    created_at: datetime
    created_by: UUID


class MappedItem(Output):
    """One thing that a message says."""

    kind: str = Field(examples=["order"])
    external_id: str = Field(examples=["SO-1"])
    version: int = Field(description="instants as microseconds since 1970", examples=[1795332600000000])
    fields: dict[str, Any] = Field(examples=[{"contact": "C-10017", "currency": "CNY", "amount_fen": 19900}])


class MappingFault(BaseModel):
    """What does not fit."""

    pointer: str = Field(description="into the mapping", examples=["/items/0/fields/amount_fen"])
    code: str = Field(examples=["too-fine"])
    detail: str = Field(examples=["This currency has 2 decimal places."])


class DryRunOut(Output):
    """What the mapping would make of the message: items, or faults."""

    items: list[MappedItem]
    faults: list[MappingFault]
