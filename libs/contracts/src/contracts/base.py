"""What every event of Hearth has in common: its type, its data and its CloudEvents envelope."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, Self, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.persons import person_fields

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
    """The data of one kind of event. Subclasses name `type` and `aggregate`; they hold ids, never personal data.

    What partners get of it is stated here too. An event that says nothing goes to them as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ClassVar[str]
    aggregate: ClassVar[str]
    partners: ClassVar[bool] = True
    """Whether partners may ask for this type at all."""
    personal: ClassVar[bool] = False
    """It is about a person even where it names no account: then partners that need consent do not get it, for nobody can be asked."""
    withheld: ClassVar[frozenset[str]] = frozenset()
    """Fields that partners never get."""
    sometimes_withheld: ClassVar[frozenset[str]] = frozenset()
    """Fields that partners get of some events of this type only; `hidden` decides."""

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """Build from a message, ignoring fields that a newer publisher added. Raises pydantic.ValidationError."""
        return cls.model_validate(data, extra="ignore")

    @classmethod
    def service(cls) -> str:
        """Return the owner of this event, the first segment of its type."""
        return cls.type.partition(".")[0]

    def hidden(self) -> frozenset[str]:
        """Return the fields of this very event that partners do not get."""
        return self.withheld

    def for_partners(self) -> dict[str, Any] | None:
        """Return what partners get of the event's data, as JSON values; None when they get nothing of it."""
        return self.model_dump(mode="json", exclude=set(self.hidden())) if self.partners else None

    def confined_to(self) -> UUID | None:
        """Return the API client whose endpoints alone may get this, for what is between one partner and the brand; None for all."""
        return None

    def persons(self) -> tuple[UUID, ...]:
        """Return the accounts that a partner who gets this learns of, each once, in the order of the fields."""
        found: dict[UUID, None] = {}
        hidden = self.hidden()
        for name in type(self).model_fields:
            if name in person_fields(type(self)) and name not in hidden:
                value = getattr(self, name)
                found |= dict.fromkeys(value if isinstance(value, list) else [] if value is None else [value])
        return tuple(found)


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
