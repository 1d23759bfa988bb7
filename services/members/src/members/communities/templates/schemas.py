"""What HTTP accepts and returns of community templates."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from chassis.schemas import Input, LongTextMap, Output, Slug, TextMap, Zone
from contracts.members import CommunityState
from members.communities.charter.schemas import EXAMPLE as CHARTER_EXAMPLE
from members.communities.charter.schemas import CharterWrite, Version
from members.communities.templates.policy import Action, Outcome

MOST_GROUPS = 100
MOST_RULES = 50
MOST_TARGETS = 200
COMMUNITY = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
EXAMPLE: dict[str, Any] = {
    "title": {"zh": "城市学习社群", "en": "City learners"},
    "content": {
        "description": {"zh": "每天一起学一点。", "en": "A little every day, together."},
        "charter": {"audience": CHARTER_EXAMPLE["audience"], "promise": CHARTER_EXAMPLE["promise"]},
        "card": {
            "purpose": {"zh": "每天开口说三句英语", "en": "Three spoken sentences every day"},
            "rules": [{"text": {"zh": "不发广告", "en": "No advertising"}, "interpretation": {}}],
        },
        "groups": [
            {
                "key": "speaking",
                "dimension": "interest",
                "name": {"zh": "口语角", "en": "Speaking corner"},
                "capacity": 50,
                "self_join": True,
            }
        ],
    },
}


class TemplateRule(Input):
    """A rule of a card, and how it is meant."""

    text: TextMap
    interpretation: LongTextMap = Field(default={})


class TemplateCard(Input):
    """What a card says; what is left out stays the community's own."""

    purpose: LongTextMap | None = None
    rules: list[TemplateRule] | None = Field(default=None, max_length=MOST_RULES)
    times: LongTextMap | None = None


class TemplateGroup(Input):
    """A group that every community of the template has. The key is what makes it the same group in the next version."""

    key: Slug
    dimension: Literal["department", "product", "interest", "other"] = Field(description="does not change")
    name: TextMap
    capacity: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    self_join: bool = False
    card: TemplateCard | None = None


class TemplateContent(Input):
    """What a template sets; what is left out stays the community's own."""

    description: LongTextMap = Field(default={})
    charter: CharterWrite | None = None
    card: TemplateCard | None = Field(default=None, description="of the community itself")
    groups: list[TemplateGroup] = Field(default=[], max_length=MOST_GROUPS)

    @model_validator(mode="after")
    def _keys(self) -> Self:
        keys = [group.key for group in self.groups]
        if len(set(keys)) < len(keys):
            raise ValueError("each key of a group stands once")
        return self


class TemplateCreate(Input):
    """A new template."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    title: TextMap
    content: TemplateContent


class TemplateUpdate(Input):
    """A new version of a template; what is left out stays. No community changes before a rollout."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    title: TextMap | None = None
    content: TemplateContent | None = Field(default=None, description="replaces all of it")


class TemplateOut(Output):
    """A template in one version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a14",
                    **EXAMPLE,
                    "created_at": "2026-11-22T07:30:00Z",
                    "version": 1,
                    "communities": 12,
                    "can": ["edit", "create_community", "roll_out"],
                }
            ]
        }
    )

    id: UUID
    title: dict[str, str]
    content: dict[str, Any] = Field(description="as it was written")
    created_at: datetime
    version: int
    communities: int = Field(description="communities that were made from it")
    can: list[str] = Field(description="what this caller may do with it")


class CommunityFromTemplate(Input):
    """A community to make from a template."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": {"zh": "上海学习社群", "en": "Shanghai learners"},
                    "slug": "shanghai",
                    "zone": "Asia/Shanghai",
                }
            ]
        }
    )

    name: TextMap
    slug: Slug
    zone: Zone
    version: Version | None = Field(default=None, description="of the template; left out: the newest")


Value = bool | int | str | dict[str, Any] | list[dict[str, Any]] | None
"""What a field holds: a switch, a number, a name, texts by language, rules; null when it says nothing."""


class FieldChange(Output):
    """One field in which a community differs from the template."""

    field: str = Field(examples=["groups/speaking/capacity"])
    action: Action = Field(
        description="change: is set; conflict: edited here and changed in the template, kept unless forced; kept: edited here only"
    )
    before: Value = Field(examples=[40])
    after: Value = Field(examples=[50])


class TemplatePreview(Output):
    """What a rollout would do to one community."""

    community_id: UUID
    name: dict[str, str] = Field(examples=[{"zh": "上海学习社群"}])
    state: CommunityState
    template_version: int = Field(description="that was rolled out to it last")
    outcome: Outcome = Field(description="failed: an archived community does not change")
    changes: list[FieldChange]


class RolloutCreate(Input):
    """A rollout of a version to communities that were made from the template."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 2, "targets": [COMMUNITY]}]})

    version: Version
    targets: list[UUID] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_TARGETS,
        description=f"communities; left out: all of them, if there are at most {MOST_TARGETS}",
    )
    force: bool = Field(default=False, description="overwrite the communities' own edits too")


class RolloutResult(Output):
    """What became of one community."""

    community_id: UUID
    outcome: Outcome = Field(description="conflict: own edits were kept, everything else was set")
    code: str | None = Field(description="why it failed", examples=["community-archived"])
    detail: str | None = Field(examples=["An archived community does not change."])
    changes: list[FieldChange] = Field(description="what was set, and what was kept")


class RolloutOut(Output):
    """What a rollout did, community by community."""

    version: int
    results: list[RolloutResult]
