"""What HTTP accepts and returns of compliance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from chassis.schemas import Input, LongText, Output
from content.moderation.compliance.policy import NO_CHECKER, Profile
from content.moderation.detectors.schemas import ClauseCode, ClauseText
from contracts.content import SubjectKind

WIDEST_OPENING = timedelta(days=31)
CheckerName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60),
    Field(
        description="who judges texts before others see them: none; `callback`, a partner's program that fetches what waits; "
        "or a checker that is installed here",
        examples=["none"],
    ),
]


class ModerationPolicyPut(Input):
    """How a community publishes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"profile": "china", "checker": "none"}]})

    profile: Profile
    checker: CheckerName = NO_CHECKER
    checker_clause_code: ClauseCode | None = Field(default=None, description="the clause that the checker refuses by")
    checker_clause_text: ClauseText | None = None

    @model_validator(mode="after")
    def _names_its_clause(self) -> Self:
        if self.checker != NO_CHECKER and not (self.checker_clause_code and self.checker_clause_text):
            raise PydanticCustomError("clause_missing", "A checker refuses by a clause: name its code and text.")
        return self


class ModerationPolicyOut(Output):
    """How a community publishes; version 0 is a community that never decided."""

    community_id: UUID
    profile: Profile
    checker: str = Field(examples=["none"])
    checker_clause_code: str | None = Field(examples=[None])
    checker_clause_text: dict[str, str] = Field(examples=[{}])
    version: int
    can: list[str] = Field(description="what the caller may do: edit", examples=[["edit"]])


class PublicationLogOpen(Input):
    """Which part of the log to open, and why; at most 31 days at once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reason": "Request 2026/118 of the public security bureau",
                    "from_at": "2026-11-01T00:00:00Z",
                    "until": "2026-11-02T00:00:00Z",
                }
            ]
        }
    )

    reason: LongText
    from_at: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _is_a_stretch(self) -> Self:
        if not timedelta(0) < self.until - self.from_at <= WIDEST_OPENING:
            raise PydanticCustomError("stretch", "`until` lies after `from_at`, by 31 days at most.")
        return self


class Publication(Output):
    """Who published what, when and from where."""

    account_id: UUID = Field(description="who wrote it")
    published_by: UUID | None = Field(
        default=None,
        description="who published or changed it, from that address: the author, an editor or a moderator; none: the calendar",
    )
    subject_kind: SubjectKind
    subject_id: UUID
    published_at: datetime
    address: str | None = Field(
        description="network address; none for what the calendar delivered", examples=["203.0.113.7"]
    )


class PublicationLogOut(Output):
    """The opened part of the log."""

    opening_id: UUID = Field(description="under which the opening itself is kept")
    publications: list[Publication] = Field(description="oldest first, up to 1000")
    complete: bool = Field(description="false: there are more; open a shorter stretch")
    unreadable: int = Field(description="sealed with a secret that is not in use any more", examples=[0])
