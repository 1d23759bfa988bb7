"""What is answered about types of events."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from chassis.schemas import Output
from gateway.catalogue.messages import messages

_EXAMPLE = messages()["members.membership.left.v1"]


class EventTypeOut(Output):
    """A type of event that endpoints may ask for, with what they are sent of it."""

    type: str = Field(examples=[_EXAMPLE.type])
    description: str = Field(examples=[_EXAMPLE.description])
    body_schema: dict[str, Any] = Field(
        description="JSON Schema of the whole body of the webhook; more fields may come", examples=[_EXAMPLE.schema]
    )
    example: dict[str, Any] = Field(description="a body", examples=[_EXAMPLE.example])
