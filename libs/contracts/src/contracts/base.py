"""What every event of Hearth has in common: its type, its data and its CloudEvents envelope."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, Self, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

SUBJECT_PREFIX = "evt"
NO_COMMUNITY = "-"
SYSTEM_ORGANIZATION = UUID(int=0)
"""Owner of rows and work that belong to the installation and to no tenant."""


class Origin(StrEnum):
    """Where a fact comes from. Facts count whatever their origin; only live ones push, reward, sanction or call partners."""

    LIVE = "live"
    IMPORT = "import"
    BACKFILL = "backfill"


class Event(BaseModel):
    """The data of one kind of event. Subclasses name `type` and `aggregate`; they hold ids, never personal data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ClassVar[str]
    aggregate: ClassVar[str]

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """Build from a message, ignoring fields that a newer publisher added. Raises pydantic.ValidationError."""
        return cls.model_validate(data, extra="ignore")

    @classmethod
    def service(cls) -> str:
        """Return the owner of this event, the first segment of its type."""
        return cls.type.partition(".")[0]


class Envelope(BaseModel):
    """A CloudEvents 1.0 envelope with Hearth's extensions (attribute names are lower case, as the standard asks)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: UUID = Field(description="UUIDv7; one event, whatever the number of deliveries")
    source: str = Field(description="/hearth/<service>")
    type: str
    subject: str = Field(description="<aggregate type>/<aggregate id>")
    time: datetime = Field(description="when it happened; imports keep the original time")
    datacontenttype: Literal["application/json"] = "application/json"
    organization: UUID
    community: UUID | None = None
    actor: UUID | None = Field(
        default=None, description="the account or client whose act this was; none for the system"
    )
    aggregate: str = Field(description="aggregate type")
    aggregateid: UUID
    aggregateversion: int = Field(ge=1, description="version of the aggregate after this event")
    recordedtime: datetime = Field(description="when the owner committed it")
    origin: Origin = Origin.LIVE
    traceparent: str | None = None
    data: dict[str, Any]


def subject_of(event_type: str, community: UUID | None) -> str:
    """Return the NATS subject of an event: `evt.<type>.<community id or ->`."""
    return f"{SUBJECT_PREFIX}.{event_type}.{community or NO_COMMUNITY}"


def stream_of(service: str) -> str:
    """Return the JetStream stream that holds a service's events."""
    return service.upper()


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return an example of an event's data, made from the examples of its fields. Raises LookupError when one has none."""
    example: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if field.examples:
            example[name] = field.examples[0]
        elif field.annotation in EXAMPLES:
            example[name] = EXAMPLES[field.annotation]
        elif type(None) in get_args(field.annotation):
            example[name] = None
        elif isinstance(field.annotation, type) and issubclass(field.annotation, StrEnum):
            example[name] = next(iter(field.annotation)).value
        elif get_origin(field.annotation) is Literal:
            example[name] = get_args(field.annotation)[0]
        else:
            raise LookupError(f"{model.__name__}.{name} has no example")
    return example


EXAMPLES: dict[Any, Any] = {
    UUID: "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
    datetime: "2026-11-22T07:30:00Z",
    bool: False,
    int: 1,
}
