"""Judging the items of an import, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from chassis.errors import pointer
from chassis.requests import CONTROL
from chassis.schemas import Input, Output
from members.accounts.policy import clean_name


class MembershipImportItem(Input):
    """One person of an import."""

    external_id: Annotated[str, StringConstraints(min_length=1, max_length=200), Field(examples=["slack:U024BE7LH"])]
    display_name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Field(examples=["小雨 Rain"])
    ]
    bot: bool = False
    deleted: bool = Field(default=False, description="gone at the source: becomes a membership that has ended")
    joined_at: datetime | None = Field(default=None, description="RFC 3339; left out: now")


class ImportRejected(Output):
    """One item that was not taken, and why."""

    index: int = Field(description="place in `items`, from 0", examples=[3])
    external_id: str | None = Field(description="null when the item names none")
    code: str = Field(description="stable", examples=["string-too-short"])
    detail: str = Field(examples=["/display_name: String should have at least 1 character"])


@dataclass(frozen=True)
class Arrival:
    """How an account becomes a member: since when (None: now), whether it is a bot, and whether it is gone already."""

    joined_at: datetime | None
    bot: bool = False
    deleted: bool = False


@dataclass(frozen=True)
class Read:
    """The items that can be imported, by external id, and those that cannot."""

    items: dict[str, MembershipImportItem]
    rejected: list[ImportRejected]


def read_items(items: Sequence[dict[str, Any]], now: datetime) -> Read:
    """Judge each item by itself; of two with one external id the first counts."""
    good: dict[str, MembershipImportItem] = {}
    rejected = []
    for index, item in enumerate(items):
        try:
            read = MembershipImportItem.model_validate(item)
        except ValidationError as error:
            first = error.errors()[0]
            at = pointer(first["loc"])
            rejected.append(_rejected(index, item, first["type"].replace("_", "-"), f"{at}: {first['msg']}"))
            continue
        if any(isinstance(value, str) and CONTROL.search(value) for value in item.values()):
            rejected.append(_rejected(index, item, "control-character", "Control characters are not accepted."))
        elif not clean_name(read.display_name):
            rejected.append(_rejected(index, item, "name-empty", "display_name holds nothing that can be seen."))
        elif read.joined_at is not None and (read.joined_at.tzinfo is None or read.joined_at > now):
            rejected.append(_rejected(index, item, "time-invalid", "joined_at needs an offset, and lies in the past."))
        else:
            good.setdefault(read.external_id, read)
    return Read(good, rejected)


def _rejected(index: int, item: dict[str, Any], code: str, detail: str) -> ImportRejected:
    external_id = item.get("external_id")
    return ImportRejected(
        index=index, external_id=external_id if isinstance(external_id, str) else None, code=code, detail=detail
    )
