"""What HTTP accepts and returns of personas."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, LongTextMap, Output, TextMap
from members.screening.personas.policy import Rule

EXAMPLE: dict[str, Any] = {
    "name": {"zh": "初学者", "en": "Beginners"},
    "description": {"zh": "刚开始学的人", "en": "People who have just started"},
    "position": 1,
    "rule": {"all": [{"question": "level", "any_of": ["beginner"]}, {"at_least": 3}], "any": []},
    "quota": 200,
}

Position = Annotated[int, Field(ge=0, le=10_000)]
Quota = Annotated[int, Field(ge=0, le=10_000_000)]


class PersonaCreate(Input):
    """A kind of member."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: TextMap
    description: LongTextMap = Field(default={}, description="for staff")
    position: Position = Field(default=0, description="the first that fits is the applicant's")
    rule: Rule = Field(description="who is one; without conditions everybody")
    quota: Quota | None = Field(default=None, description="how many may belong at once; null for any number")


class PersonaUpdate(Input):
    """What to change; what is left out stays. A raised quota lets those who wait move up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"quota": 300}]})

    name: TextMap | None = None
    description: LongTextMap | None = None
    position: Position | None = None
    rule: Rule | None = None
    quota: Quota | None = Field(default=None, description="null for any number")


class PersonaOut(Output):
    """A kind of member, and how many there are."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    **EXAMPLE,
                    "taken": 200,
                    "waiting": 12,
                    "version": 1,
                    "can": ["edit", "retire"],
                }
            ]
        },
    )

    id: UUID
    name: dict[str, str]
    description: dict[str, str]
    position: int
    rule: dict[str, Any]
    quota: int | None
    taken: int = Field(description="how many belong by an application")
    waiting: int = Field(description="how many wait for a place")
    version: int
    can: list[str] = Field(description="what this caller may do with it")


class PersonaList(Output):
    """The personas of a community: at most 50."""

    data: list[PersonaOut]
