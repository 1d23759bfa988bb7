"""What HTTP accepts and returns of detectors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from chassis.schemas import Input, LongTextMap, Output, ShortText
from content.moderation.detectors.policy import Action, DetectorKind
from content.moderation.detectors.settings import Settings
from content.text import Plain
from contracts.content import EvidenceSpan, SubjectKind

ClauseCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=40),
    Field(description="the clause's code in the community's rules", examples=["3.2"]),
]
ClauseText = Annotated[
    LongTextMap,
    Field(
        min_length=1,
        description="what the clause says, by language: who is blocked reads it",
        examples=[{"zh": "不得留下联系方式", "en": "Leave no contact details"}],
    ),
]
Subjects = Annotated[
    list[SubjectKind],
    Field(min_length=1, max_length=len(SubjectKind), description="what it looks at", examples=[["post", "comment"]]),
]


class DetectorCreate(Input):
    """A detector to put up."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Contacts",
                    "action": "hold",
                    "clause_code": "3.2",
                    "clause_text": {"zh": "不得留下联系方式", "en": "Leave no contact details"},
                    "settings": {"kind": "contacts", "contacts": ["phone", "wechat"]},
                }
            ]
        }
    )

    name: ShortText = Field(examples=["Contacts"])
    action: Action
    clause_code: ClauseCode
    clause_text: ClauseText
    settings: Settings
    subjects: Subjects = Field(default_factory=lambda: list(SubjectKind))
    staff: bool = Field(default=False, description="it looks at staff and holders of roles too")
    enabled: bool = True


class DetectorUpdate(Input):
    """What to change of a detector; what is left out or null stays. The kind of its settings cannot change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"action": "flag"}]})

    name: ShortText | None = None
    action: Action | None = None
    clause_code: ClauseCode | None = None
    clause_text: ClauseText | None = None
    settings: Settings | None = None
    subjects: Subjects | None = None
    staff: bool | None = None
    enabled: bool | None = None


class DetectorSummary(Output):
    """A detector in a list."""

    id: UUID
    community_id: UUID
    name: str = Field(examples=["Contacts"])
    kind: DetectorKind
    action: Action
    clause_code: str = Field(examples=["3.2"])
    clause_text: dict[str, str] = Field(examples=[{"zh": "不得留下联系方式"}])
    subjects: list[SubjectKind]
    staff: bool
    enabled: bool
    created_at: datetime
    version: int
    can: list[str] = Field(description="what the caller may do: edit, delete", examples=[["edit", "delete"]])


class DetectorOut(DetectorSummary):
    """A detector with all that it looks for."""

    settings: dict[str, Any] = Field(examples=[{"kind": "contacts", "contacts": ["phone", "wechat"], "allowed": []}])


class DetectorTrial(Input):
    """Settings to try on a text; nothing is kept. Flooding, duplicates and newcomers need an author, and find nothing here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"settings": {"kind": "words", "words": ["加微信"]}, "text": "想要资料请加 微 信"}]
        }
    )

    settings: Settings
    text: Annotated[str, StringConstraints(min_length=1, max_length=100_000), Plain] = Field(examples=["请加 微 信"])


class DetectorTrialOut(Output):
    """Where the settings found something."""

    spans: list[EvidenceSpan] = Field(
        description="in code points of the text, the first 20", examples=[[{"field": "body", "start": 6, "end": 11}]]
    )
