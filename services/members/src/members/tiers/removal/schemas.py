"""What HTTP accepts and returns of the membership standard, notices and appeals."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, LongText, Output
from contracts.members import CommunityRole
from members.memberships.tags.policy import Tag
from members.tiers.removal.policy import EVERY_ROLE, NoticeState

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
TERMS: dict[str, Any] = {
    "silent_days": 180,
    "notice_days": 14,
    "exempt_roles": ["manager", "moderator", "editor", "analyst"],
    "exempt_tags": ["老用户"],
}
SILENT: dict[str, Any] = {
    "account_id": ID,
    "membership_id": ID,
    "display_name": "小雨 Rain",
    "silent_since": "2026-03-02T04:00:00Z",
}
NOTICE: dict[str, Any] = {
    "id": ID,
    "account_id": ID,
    "membership_id": ID,
    "standard_number": 1,
    "silent_since": "2026-03-02T04:00:00Z",
    "given_at": "2026-11-22T00:05:00Z",
    "remove_at": "2026-12-06T00:05:00Z",
    "state": "given",
    "words": "Silent for long. Without a post, a comment or a reaction until 2026-12-06, the membership ends.",
    "appeal": None,
    "appealed_at": None,
    "decision": None,
    "decided_at": None,
    "version": 1,
    "can": [],
}


class SilenceTerms(Input):
    """When silence ends a membership. Staff and bots are always exempt."""

    model_config = ConfigDict(json_schema_extra={"examples": [TERMS]})

    silent_days: int = Field(ge=7, le=3650, description="without a post, a comment or a reaction")
    notice_days: int = Field(ge=1, le=365, description="between the notice and the removal")
    exempt_roles: list[CommunityRole] = Field(default=list(EVERY_ROLE), max_length=10)
    exempt_tags: list[Tag] = Field(default=[], max_length=50)


class MembershipStandardWrite(SilenceTerms):
    """The membership standard, whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**TERMS, "enabled": True}]})

    enabled: bool = Field(default=True, description="false: nobody is removed, and notices are lifted")


class MembershipStandardOut(Output):
    """The membership standard."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **TERMS,
                    "enabled": True,
                    "version": 1,
                    "changed_by": ID,
                    "changed_at": "2026-11-22T07:30:00Z",
                    "can": ["edit"],
                }
            ]
        }
    )

    enabled: bool
    silent_days: int
    notice_days: int
    exempt_roles: list[CommunityRole]
    exempt_tags: list[str]
    version: int
    changed_by: UUID
    changed_at: datetime
    can: list[str] = Field(description="what this caller may do with it")


class SilentMember(Output):
    """A member who would be given notice."""

    model_config = ConfigDict(json_schema_extra={"examples": [SILENT]})

    account_id: UUID
    membership_id: UUID
    display_name: str
    silent_since: datetime = Field(description="the last activity, or having joined")


class SilencePreview(Output):
    """Who would be given notice by these terms."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"members": 42, "data": [SILENT], "next_cursor": None}]})

    members: int = Field(description="all of them")
    data: list[SilentMember]
    next_cursor: str | None


class AppealCreate(Input):
    """An appeal against removal for silence."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "我出差了半年，现在回来了。"}]})

    text: LongText


class AppealDecide(Input):
    """A judgement of an appeal, with the reason that the person reads."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"grant": True, "reason": "欢迎回来！"}]})

    grant: bool
    reason: LongText


class SilenceNoticeOut(Output):
    """A notice for long silence, and what became of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [NOTICE]})

    id: UUID
    account_id: UUID
    membership_id: UUID
    standard_number: int = Field(description="version of the membership standard by which it was given")
    silent_since: datetime
    given_at: datetime
    remove_at: datetime = Field(description="removed then, unless the member does something before")
    state: NoticeState
    words: str = Field(description="where it stands, in the reader's language")
    appeal: str | None
    appealed_at: datetime | None
    decision: str | None = Field(description="the reason of whoever judged")
    decided_at: datetime | None
    version: int
    can: list[str] = Field(description="what this caller may do with it")
