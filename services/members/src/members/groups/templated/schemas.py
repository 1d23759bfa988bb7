"""What HTTP accepts and returns of templates of groups."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output, TextMap
from contracts.members import CommunityState, GroupDimension
from members.communities.charter.schemas import Version
from members.communities.templates.policy import Outcome
from members.communities.templates.schemas import MOST_TARGETS, FieldChange, TemplateCard
from members.groups.cards.schemas import EXAMPLE as CARD
from members.groups.schemas import EXAMPLE as GROUP_EXAMPLE
from members.groups.schemas import GROUP, Capacity

COMMUNITY = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
EXAMPLE: dict[str, Any] = {
    "title": {"zh": "口语小组", "en": "Speaking groups"},
    "content": {**GROUP_EXAMPLE, "card": CARD},
}


class GroupTemplateContent(Input):
    """What the template sets in a group. A piece of the card that is left out stays the group's own."""

    dimension: GroupDimension = Field(description="does not change")
    name: TextMap = Field(description="groups that open one after the other have a number behind it")
    capacity: Capacity | None = None
    self_join: bool = False
    card: TemplateCard | None = None


class GroupTemplateCreate(Input):
    """A new template of groups."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    title: TextMap
    content: GroupTemplateContent


class GroupTemplateUpdate(Input):
    """A new version of a template; what is left out stays. No group changes before a rollout."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    title: TextMap | None = None
    content: GroupTemplateContent | None = Field(default=None, description="replaces all of it")


class GroupTemplateOut(Output):
    """A template of groups in one version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a15",
                    **EXAMPLE,
                    "created_at": "2026-11-22T07:30:00Z",
                    "version": 1,
                    "groups": 12,
                    "can": ["edit", "create_groups", "roll_out"],
                }
            ]
        }
    )

    id: UUID
    title: dict[str, str]
    content: GroupTemplateContent
    created_at: datetime
    version: int
    groups: int = Field(description="groups that were made from it, those that opened because one was full too")
    can: list[str] = Field(description="what this caller may do with it")


class GroupsFromTemplate(Input):
    """Communities that each get a group made from the template."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"communities": [COMMUNITY]}]})

    communities: list[UUID] = Field(min_length=1, max_length=MOST_TARGETS)
    version: Version | None = Field(default=None, description="of the template; left out: the newest")


class GroupMade(Output):
    """What became of one community."""

    community_id: UUID
    outcome: Literal["created", "failed"]
    group_id: UUID | None = Field(description="the new group", examples=[GROUP])
    code: str | None = Field(description="why it failed", examples=["community-archived"])
    detail: str | None = Field(examples=["An archived community does not change."])


class GroupsMade(Output):
    """What became of each, in the order in which they were named."""

    version: int = Field(description="of the template")
    results: list[GroupMade]


class GroupTemplatePreview(Output):
    """What a rollout would do to one group."""

    group_id: UUID
    community_id: UUID
    community_name: dict[str, str] = Field(examples=[{"zh": "上海学习社群"}])
    name: dict[str, str] = Field(description="of the group as it is", examples=[{"zh": "口语角 2"}])
    state: CommunityState = Field(description="of the community")
    template_version: int = Field(description="that was rolled out to it last")
    outcome: Outcome = Field(description="failed: an archived community does not change")
    changes: list[FieldChange]


class GroupRolloutCreate(Input):
    """A rollout of a version to groups that were made from the template."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 2, "targets": [GROUP]}]})

    version: Version
    targets: list[UUID] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_TARGETS,
        description=f"groups; left out: all of them, if there are at most {MOST_TARGETS}",
    )
    force: bool = Field(default=False, description="overwrite the groups' own edits too")


class GroupRolloutResult(Output):
    """What became of one group."""

    group_id: UUID
    community_id: UUID | None = Field(description="null for a group that does not exist")
    outcome: Outcome = Field(description="conflict: own edits were kept, everything else was set")
    code: str | None = Field(description="why it failed", examples=["community-archived"])
    detail: str | None = Field(examples=["An archived community does not change."])
    changes: list[FieldChange] = Field(description="what was set, and what was kept")


class GroupRolloutOut(Output):
    """What a rollout did, group by group."""

    version: int
    results: list[GroupRolloutResult]
