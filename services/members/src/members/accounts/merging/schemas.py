"""What HTTP accepts and returns of merges."""

from __future__ import annotations

from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Input, Output
from members.accounts.merging.policy import Fate

_ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"


class MergePreviewCreate(Input):
    """The account that would go away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"merge_account_id": _ID}]})

    merge_account_id: UUID


class MergeCreate(Input):
    """The account that goes away, and the preview of it that was looked at."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"merge_account_id": _ID, "preview": "9f86d081884c7d65"}]}
    )

    merge_account_id: UUID
    preview: str = Field(min_length=1, max_length=100)


class MovedIdentity(Output):
    """An identity that would stand for the account that stays."""

    provider: str = Field(examples=["import"])
    subject: str = Field(examples=["slack:U024BE7LH"])


class MergeConflict(Output):
    """What has to be settled first."""

    code: str = Field(examples=["has-organization-role"])
    detail: str = Field(examples=["Take the role of the account that goes away first."])


class MergePreviewOut(Output):
    """What a merge would do. `preview` goes into the merge, which is refused when any of this has changed since."""

    account_id: UUID = Field(description="stays")
    merge_account_id: UUID = Field(description="goes, and leaves a tombstone")
    identities: list[MovedIdentity]
    credential: Fate = Field(description="what becomes of its password")
    sessions: int = Field(description="how many of its sessions end", examples=[1])
    also: list[str] = Field(
        description="what else moves, of other nouns", examples=[["membership of english-learning"]]
    )
    conflicts: list[MergeConflict]
    preview: str = Field(examples=["9f86d081884c7d65"])
