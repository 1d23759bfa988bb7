"""What HTTP accepts and returns of a community's wishes."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from chassis.schemas import Input, Output
from content.posts.policy import PostKind


def _editorial(kinds: list[PostKind]) -> list[PostKind]:
    if PostKind.POST in kinds:
        raise ValueError("what members write is judged by the rules, not read before")
    return sorted(set(kinds))


class WritingPolicyWrite(Input):
    """What to ask of the community's writers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reviewed_kinds": ["article", "announcement"]}]})

    reviewed_kinds: Annotated[list[PostKind], Field(max_length=len(PostKind)), AfterValidator(_editorial)] = Field(
        description="kinds of posts that a second person reads before others see them; `post` is none of them"
    )


class WritingPolicyOut(Output):
    """What a community asks of its writers."""

    community_id: UUID
    reviewed_kinds: list[PostKind] = Field(examples=[["announcement", "article"]])
    version: int = Field(description="0 until it is first written")
