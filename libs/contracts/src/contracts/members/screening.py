"""Events of how people come in: forms, doors, personas and applications."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


class FormChanged(Event):
    """A community asks applicants something else from now on; the questions stay in members."""

    type: ClassVar[str] = "members.form.changed.v1"
    aggregate: ClassVar[str] = "form"

    community_id: UUID
    form_version: int
    questions: int = Field(description="how many")


class ScreeningPolicyChanged(Event):
    """A community decides about applications by other terms from now on."""

    type: ClassVar[str] = "members.screening_policy.changed.v1"
    aggregate: ClassVar[str] = "screening_policy"

    community_id: UUID
    policy_version: int
    mode: str = Field(description="open, automatic or review", examples=["automatic"])


class PersonaChanged(Event):
    """A kind of member that a community wants was named, changed or retired."""

    type: ClassVar[str] = "members.persona.changed.v1"
    aggregate: ClassVar[str] = "persona"

    persona_id: UUID
    community_id: UUID
    quota: int | None = Field(description="how many may belong at once; null for any number", examples=[200])
    retired: bool


class EntryLinkChanged(Event):
    """A door of a community was made, changed or closed; its token stays in members."""

    type: ClassVar[str] = "members.entry_link.changed.v1"
    aggregate: ClassVar[str] = "entry_link"

    link_id: UUID
    community_id: UUID
    channel: str = Field(examples=["wechat-article"])
    withdrawn: bool


class ApplicationEvent(Event):
    """Where an application stands, whole; what was answered stays in members."""

    aggregate: ClassVar[str] = "application"

    application_id: UUID
    community_id: UUID
    account_id: PersonId
    membership_id: UUID
    state: str = Field(
        description="submitted, in_review, waiting, needs_information, approved, rejected or withdrawn",
        examples=["approved"],
    )
    persona_id: UUID | None = Field(description="the kind of member that the applicant is")
    link_id: UUID | None = Field(description="the door through which the applicant came")
    group_id: UUID | None = Field(description="the group that the door leads to")
    form_version: int
    policy_version: int
    automatic: bool = Field(description="no person decided")


class ApplicationSubmitted(ApplicationEvent):
    """Somebody answered the form."""

    type: ClassVar[str] = "members.application.submitted.v1"


class ApplicationDecided(ApplicationEvent):
    """An application was approved or rejected."""

    type: ClassVar[str] = "members.application.decided.v1"


class ApplicationMoved(ApplicationEvent):
    """An application waits, is reviewed, was asked about or taken back, or its decision was undone."""

    type: ClassVar[str] = "members.application.moved.v1"


class ApplicationOverdue(ApplicationEvent):
    """Nobody decided about an application in time."""

    type: ClassVar[str] = "members.application.overdue.v1"


SCREENING_EVENTS: tuple[type[Event], ...] = (
    FormChanged,
    ScreeningPolicyChanged,
    PersonaChanged,
    EntryLinkChanged,
    ApplicationSubmitted,
    ApplicationDecided,
    ApplicationMoved,
    ApplicationOverdue,
)
