"""What HTTP accepts and returns of contacts' tags."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from chassis.schemas import Input, Output
from members.contacts.policy import Outcome, Version
from members.memberships.tags.policy import Tag

MOST_AT_ONCE = 50
_Tags = Annotated[list[Tag], Field(max_length=MOST_AT_ONCE)]


class ContactTagsPut(Input):
    """What a contact is tagged with from now on, and what no more; other tags stay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 3, "add": ["老用户"], "remove": ["trial"]}]})

    version: Version
    add: _Tags = Field(default=[])
    remove: _Tags = Field(default=[])

    @model_validator(mode="after")
    def _either(self) -> Self:
        both = set(self.add) & set(self.remove)
        if both:
            raise ValueError("a tag is added or removed, not both")
        return self


class ContactTagsOut(Output):
    """What became of news of a contact's tags."""

    membership_id: UUID
    outcome: Outcome
    version: int = Field(description="the newest that is known now")
    added: int = Field(description="tags that the membership did not have before", examples=[1])
    removed: int = Field(description="tags that it had", examples=[0])
