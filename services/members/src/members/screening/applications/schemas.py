"""What HTTP accepts and returns of applications."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from chassis.schemas import Input, LongText, LongTextMap, Output
from members.memberships.schemas import MemberCard
from members.screening.applications.policy import State

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
ANSWERS: dict[str, Any] = {"level": "beginner", "hours": 4, "rules": True, "age": {"band": "adult"}}
MOST_DECIDED = 100

Answers = Annotated[
    dict[str, Any],
    Field(
        max_length=50,
        description="key of a question → answer: text; key of an option; list of keys; number of a scale; true or false; "
        '{"band": key, "guardian_consent": true or false}',
        examples=[ANSWERS],
    ),
]


class ApplicationCreate(Input):
    """An application: answers to the form in force, and how the applicant came."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"answers": ANSWERS, "link_token": "Zm9vYmFyYmF6cXV4MTIzNA"}]}
    )

    answers: Answers = Field(default={}, examples=[ANSWERS])
    link_token: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="of the entry link or QR scene", examples=["Zm9vYmFyYmF6cXV4MTIzNA"]
    )
    device_hash: Annotated[str, StringConstraints(min_length=8, max_length=200)] | None = Field(
        default=None,
        description="a fingerprint of the device; only a keyed hash of it is kept",
        examples=["9f86d081884c7d65"],
    )
    contact: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=320)] | None = Field(
        default=None,
        description="an address or number of the applicant; only a keyed hash of it is kept, to find who applies twice",
        examples=["rain@example.com"],
    )


class ApplicationAsk(Input):
    """What a reviewer wants to know before deciding."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"question": "你在哪里学过英语？ Where did you learn?"}]})

    question: LongText


class ApplicationInform(Input):
    """What the applicant adds when asked."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"information": "大学英语四级。", "answers": {"hours": 6}}]}
    )

    information: LongText
    answers: Answers = Field(default={}, description="answers to change; the others stay", examples=[{"hours": 6}])


class ApplicationDecide(Input):
    """A reviewer's decision, with words that the applicant reads."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"decision": "approve", "reason": {"zh": "欢迎！", "en": "Welcome!"}}]}
    )

    decision: Literal["approve", "reject"]
    reason: LongTextMap = Field(default={}, description="language → words for the applicant")


class ApplicationDecideMany(ApplicationDecide):
    """One decision about many."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": [ID], "decision": "approve"}]})

    ids: list[UUID] = Field(min_length=1, max_length=MOST_DECIDED)


class ReasonOut(Output):
    """Why, in the reader's language."""

    code: str = Field(description="stable", examples=["screening-score-reached"])
    params: dict[str, Any] = Field(examples=[{"score": 7, "needed": 5}])
    text: str = Field(examples=["Your answers reach 7 points; 5 are needed."])


class PersonaName(Output):
    """A kind of member."""

    id: UUID
    name: dict[str, str] = Field(examples=[{"zh": "初学者", "en": "Beginners"}])


class DuplicateOut(Output):
    """Another account's application with the same contact or device, anywhere in the organization."""

    application_id: UUID
    community_id: UUID
    account_id: UUID
    state: State
    same: list[Literal["contact", "device"]] = Field(examples=[["contact"]])
    submitted_at: datetime


class ApplicationOut(Output):
    """An application. What reviewers go by is null to the applicant."""

    id: UUID
    community_id: UUID
    account_id: UUID
    membership_id: UUID
    applicant: MemberCard
    state: State
    form_version: int = Field(description="0 when nothing was asked")
    answers: dict[str, Any] = Field(examples=[ANSWERS])
    question: str | None = Field(description="what a reviewer asks", examples=["Where did you learn?"])
    information: str | None = Field(description="what the applicant added", examples=["At school."])
    reason: ReasonOut | None = Field(description="of the present standing")
    automatic: bool | None = Field(description="whether no person decided; null while nothing is decided")
    submitted_at: datetime
    deadline: datetime | None = Field(description="until when reviewers decide")
    waiting_since: datetime | None = Field(description="on the waiting list")
    decided_at: datetime | None
    overdue: bool = Field(description="nobody decided in time")
    policy_version: int
    link_id: UUID | None
    score: int | None = Field(examples=[7])
    persona: PersonaName | None
    duplicates: list[DuplicateOut] | None
    version: int
    can: list[str] = Field(description="what this caller may do with it", examples=[["approve", "reject", "ask"]])


class DecisionOut(Output):
    """One judgement, with what it was made on."""

    number: int
    outcome: State
    judged_by: Literal["policy", "reviewer", "place"] = Field(
        description="place: moved up from the waiting list when a place freed"
    )
    decided_by: UUID | None = Field(description="the reviewer; null when no person decided")
    decided_at: datetime
    undone_at: datetime | None
    reason: ReasonOut
    form_version: int
    policy_version: int
    personas: list[UUID] = Field(description="the kinds of member that were tried")
    persona_id: UUID | None
    answers: dict[str, Any] = Field(examples=[ANSWERS])
    score: int
    reproduced: bool = Field(description="judging the same inputs again gives the same", examples=[True])


class DecisionList(Output):
    """Everything that was decided about an application, oldest first."""

    data: list[DecisionOut]


class DecidedOut(Output):
    """What became of one of many."""

    id: UUID
    outcome: Literal["approved", "waiting", "rejected", "refused"]
    code: str | None = Field(description="why it was refused", examples=["transition-refused"])
    detail: str | None = Field(examples=["The application was taken back."])


class DecidedList(Output):
    """What became of each, in the order in which they were named."""

    data: list[DecidedOut]
