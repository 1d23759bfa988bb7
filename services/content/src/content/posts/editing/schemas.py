"""What HTTP returns of a post's former and future words."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from chassis.schemas import Output


class RevisionOut(Output):
    """What a post said from one edit to the next."""

    number: int = Field(description="1 for the first words", examples=[1])
    editor_id: UUID = Field(description="the person who wrote it, behind a persona too")
    title: str | None = Field(examples=["每日一词"])
    body: str = Field(examples=["今天的单词:*serendipity*。"])
    written_at: datetime


class ProposalOut(Output):
    """New words of a published piece, which a second person has yet to read."""

    post_id: UUID
    title: str | None = Field(examples=["每日一词"])
    body: str = Field(examples=["今天的单词:*serendipity*(意外之喜)。"])
    proposed_by: UUID
    proposed_at: datetime
    base_revision: int = Field(description="the revision that it changes")
