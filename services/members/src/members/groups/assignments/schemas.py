"""What HTTP accepts and returns of rules of assignment."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from chassis.schemas import Input, Locale, Output, Slug, Zone
from contracts.members import GroupDimension
from members.groups.schemas import ACCOUNT, GROUP
from members.memberships.schemas import MemberCard

MOST_RULES = 50
MOST_VALUES = 50
EXAMPLE: dict[str, Any] = {
    "rules": [{"key": "beginners", "group_id": GROUP, "when": {"tags": ["beginner"], "locales": ["zh"]}}],
    "exclusive": ["department"],
}

Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40), Field(examples=["beginner"])
]


class RuleWhen(Input):
    """Whom a rule matches: each criterion that is named asks for one of its values. At least one is named."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tags": ["beginner"], "locales": ["zh"]}]})

    tags: list[Tag] = Field(default=[], max_length=MOST_VALUES, description="who has one of these tags")
    segments: list[UUID] = Field(default=[], max_length=MOST_VALUES, description="who is in one of these segments")
    locales: list[Locale] = Field(
        default=[], max_length=MOST_VALUES, description="whose language is one of these; zh covers zh-CN"
    )
    zones: list[Zone] = Field(default=[], max_length=MOST_VALUES, description="who lives in one of these time zones")

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not (self.tags or self.segments or self.locales or self.zones):
            raise ValueError("a rule asks for something")
        return self


class GroupRule(Input):
    """One rule. Answers of an application reach it as tags, which screening gives on approval."""

    key: Slug = Field(description="unique among the rules; decisions are kept under it")
    group_id: UUID = Field(description="the group; when it is full, the next of its series")
    when: RuleWhen
    leave_when_no_longer: bool = Field(
        default=False,
        description="whether a member whom this rule brought in leaves when it matches no longer. Whoever a manager, a host, an entry "
        "link or the member brought in stays; so does everybody when the rule is taken back. Its segments name no groups.",
    )


class GroupRulesWrite(Input):
    """All rules, in the order in which they are judged."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    rules: list[GroupRule] = Field(max_length=MOST_RULES)
    exclusive: list[GroupDimension] = Field(
        default=[GroupDimension.DEPARTMENT],
        max_length=len(GroupDimension),
        description="dimensions in which a member has one group: the first rule that matches decides, and manual placement stands",
    )

    @model_validator(mode="after")
    def _keys(self) -> Self:
        keys = [rule.key for rule in self.rules]
        if len(set(keys)) < len(keys):
            raise ValueError("each key stands once")
        return self


class GroupRulesOut(Output):
    """The rules by which members come into groups, and leave those that a rule brought them into if it says so."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "community_id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
                    **EXAMPLE,
                    "version": 1,
                    "changed_by": ACCOUNT,
                    "changed_at": "2026-11-22T07:30:00Z",
                    "can": ["edit", "apply"],
                }
            ]
        }
    )

    community_id: UUID
    rules: list[GroupRule]
    exclusive: list[GroupDimension]
    version: int = Field(description="0 before anything was written")
    changed_by: UUID | None
    changed_at: datetime | None
    can: list[str] = Field(description="what this caller may do with them")


class RulePreview(Output):
    """What one rule would do among those who belong now."""

    key: str = Field(examples=["beginners"])
    group_id: UUID
    matches: int = Field(description="members who match it, those in the group already included")
    joins: int = Field(description="members who would come into the group, or the next of its series")
    leaves: int = Field(description="members whom it brought in and who would leave: it matches them no longer")
    opens: int = Field(description="groups that would open because those before are full")
    sample: list[MemberCard] = Field(description="up to five who would come")


class RulesPreview(Output):
    """What rules would do among those who belong now; nothing is changed."""

    members: int = Field(description="who belong and would be looked at")
    rules: list[RulePreview]


class RulesRunOut(Output):
    """The application of the rules to everybody who belongs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rules_version": 1,
                    "started_at": "2026-11-22T07:30:00Z",
                    "finished_at": None,
                    "looked_at": 1500,
                    "placed": 320,
                    "taken_out": 4,
                }
            ]
        }
    )

    rules_version: int
    started_at: datetime
    finished_at: datetime | None
    looked_at: int = Field(description="members so far")
    placed: int = Field(description="seats taken so far")
    taken_out: int = Field(description="seats given up so far, by rules that match no longer")


class AssignmentOut(Output):
    """Why somebody came into a group, or left it by a rule."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a13",
                    "member": {"id": ACCOUNT, "display_name": "小雨 Rain", "avatar_url": None},
                    "group_id": GROUP,
                    "gone": False,
                    "code": "group-rule",
                    "reason": "Rule beginners, version 1: tag beginner; locale zh",
                    "rules_version": 1,
                    "rule_key": "beginners",
                    "inputs": {"tags": ["beginner"], "locale": "zh-CN"},
                    "decided_by": None,
                    "decided_at": "2026-11-22T07:30:00Z",
                }
            ]
        }
    )

    id: UUID
    member: MemberCard
    group_id: UUID
    gone: bool = Field(description="true: left")
    code: str
    reason: str = Field(description="in the reader's language")
    rules_version: int | None = Field(description="of the rules that decided; none when a person did")
    rule_key: str | None
    inputs: dict[str, Any] = Field(description="what was decided on; `asked` is the group that was to be joined")
    decided_by: UUID | None = Field(description="the account whose act it was; none for the system")
    decided_at: datetime
