"""What HTTP returns of a member's page."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Output
from members.memberships.schemas import MemberCard

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
NOW = "2026-11-20T09:00:00Z"
CARD = {"id": ID, "display_name": "小雨", "avatar_url": None}
EXAMPLE: dict[str, Any] = {
    "account": {**CARD, "bio": "想学口语", "locale": "zh", "zone": "Asia/Shanghai", "bot": False, "merged_into": None},
    "membership": {
        "id": ID,
        "state": "approved",
        "roles": [],
        "staff": False,
        "message": None,
        "reason": None,
        "applied_at": NOW,
        "decided_at": NOW,
        "joined_at": NOW,
        "ended_at": None,
        "version": 2,
    },
    "owner": {**CARD, "display_name": "阿林"},
    "notes": [{"id": ID, "author": {**CARD, "display_name": "阿林"}, "body": "想加入口语小组。", "written_at": NOW}],
    "notes_count": 1,
    "tags": ["老用户"],
    "groups": [{"id": ID, "name": {"zh": "口语小组"}, "dimension": "interest", "joined_at": NOW, "host": False}],
    "segments": [{"id": ID, "name": {"zh": "最近活跃"}, "entered_at": NOW}],
    "tier": {
        "code": "regular",
        "since": NOW,
        "grace_until": None,
        "manual_until": None,
        "standard_version": 1,
        "reason": "rose",
        "note": None,
    },
    "application": {
        "id": ID,
        "state": "approved",
        "submitted_at": NOW,
        "decided_at": NOW,
        "score": 5,
        "persona": {"zh": "上班族"},
        "outcome": "approved",
        "judged_by": "policy",
        "reason": {"code": "score-reached", "text": "The answers reach the score."},
        "entry_link": {"id": ID, "channel": "wechat", "title": {"zh": "公众号"}},
    },
    "applications_count": 1,
    "silence_notice": None,
}


class PageAccount(MemberCard):
    """The person, as the account says."""

    bio: str | None
    locale: str
    zone: str
    bot: bool
    merged_into: UUID | None = Field(description="the account that lives on: its page has what is told from now on")


class PageMembership(Output):
    """How the person belongs."""

    id: UUID
    state: str = Field(description="applied, approved, rejected, left or removed")
    roles: list[str]
    staff: bool
    message: str | None = Field(description="for managers: what the applicant wrote")
    reason: str | None = Field(description="for managers: why it was decided so")
    applied_at: datetime
    decided_at: datetime | None
    joined_at: datetime | None
    ended_at: datetime | None
    version: int


class PageNote(Output):
    """A note of staff."""

    id: UUID
    author: MemberCard
    body: str
    written_at: datetime


class PageGroup(Output):
    """A group that the member is in."""

    id: UUID
    name: dict[str, str]
    dimension: str
    joined_at: datetime
    host: bool


class PageSegment(Output):
    """A segment that the member is in."""

    id: UUID
    name: dict[str, str]
    entered_at: datetime


class PageTier(Output):
    """The member's tier, and why."""

    code: str
    since: datetime
    grace_until: datetime | None
    manual_until: datetime | None
    standard_version: int
    reason: str | None = Field(description="code of the last move")
    note: str | None = Field(description="what staff gave as the reason of a placement by hand")


class PageReason(Output):
    """Why something was decided."""

    code: str
    text: str = Field(description="in the reader's language")


class PageLink(Output):
    """The door that the member came through."""

    id: UUID
    channel: str
    title: dict[str, str]


class PageApplication(Output):
    """The member's last application, and its decision that stands."""

    id: UUID
    state: str
    submitted_at: datetime
    decided_at: datetime | None
    score: int
    persona: dict[str, str] | None
    outcome: str | None
    judged_by: str | None
    reason: PageReason | None
    entry_link: PageLink | None


class PageNotice(Output):
    """The member's last notice for long silence."""

    id: UUID
    state: str
    given_at: datetime
    remove_at: datetime
    appealed_at: datetime | None


class MemberFileOut(Output):
    """What members knows of one member."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    account: PageAccount
    membership: PageMembership
    owner: MemberCard | None = Field(description="who looks after the member")
    notes: list[PageNote] | None = Field(description="the newest 10; null on one's own page")
    notes_count: int | None
    tags: list[str]
    groups: list[PageGroup]
    segments: list[PageSegment] = Field(description="up to 100, as they were last kept current")
    tier: PageTier | None = Field(description="null for who belongs no longer, and for staff and bots")
    application: PageApplication | None
    applications_count: int
    silence_notice: PageNotice | None
