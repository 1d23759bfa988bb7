"""What HTTP accepts and returns of external checks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output
from content.media.schemas import MediaShown
from content.moderation.external.checkers import Opinion
from content.moderation.external.policy import CheckState
from contracts.content import SubjectKind


class CheckVerdict(Input):
    """What a checker says of a text: allowed is published, refused removed, held left to a moderator."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"verdict": "allowed"}]})

    verdict: Opinion


class CheckOut(Output):
    """A text that waits for a checker; who wrote it is not said."""

    id: UUID
    community_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    title: str | None = Field(examples=["每日一词"])
    body: str = Field(examples=["今天的单词:*serendipity*。"])
    media: list[MediaShown] = Field(
        default_factory=list,
        description="the uploads that stand in it, in their order, with addresses to fetch them at",
    )
    requested_at: datetime
    state: CheckState
    version: int = Field(description="grows when the author changes the words: a verdict names the one that it read")
