"""What HTTP accepts and returns of imports of members."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, WithJsonSchema

from chassis.schemas import Input, Output
from members.memberships.imports.policy import ImportRejected, MembershipImportItem

MOST_IMPORTED = 100
"""The answer names a position for each, and a header has to stay below 8 kB."""


# Read item by item by the policy; the document says what it reads.
JudgedAlone = Annotated[dict[str, Any], WithJsonSchema(MembershipImportItem.model_json_schema())]


class MembershipImport(Input):
    """People of another platform who become members, without a credential until they claim their account.

    Items are judged one by one: what is wrong with one is said in `rejected` and does not hold up the others.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "source": "slack",
                    "items": [
                        {"external_id": "slack:U024BE7LH", "display_name": "Rain", "joined_at": "2018-01-03T09:00:00Z"}
                    ],
                }
            ]
        }
    )

    source: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,30}$")] = Field(
        description="where they come from"
    )
    items: list[JudgedAlone] = Field(min_length=1, max_length=MOST_IMPORTED)


class MembershipImported(Output):
    """One person who is a member."""

    external_id: str = Field(examples=["slack:U024BE7LH"])
    account_id: UUID
    membership_id: UUID
    outcome: Literal["created", "existing"]


class MembershipImportOut(Output):
    """What became of an import."""

    created: int
    existing: int
    rejected: list[ImportRejected]
    items: list[MembershipImported]
