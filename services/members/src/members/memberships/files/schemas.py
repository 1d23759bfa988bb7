"""What HTTP accepts and returns of files of members."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from chassis.schemas import Input, Output
from members.memberships.files.policy import MOST_COLUMNS, MOST_TAGS_IN_ROW, FileState, Outcome
from members.memberships.files.policy import Field as Meaning
from members.memberships.tags.policy import Tag

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ANY = "application/octet-stream"
_A_FILE = {"type": "string", "format": "binary"}
_EXAMPLE = "编号,姓名,手机,标签\n1001,林悦,13800138000,老用户\n"
REQUEST_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself, up to 16 MiB. Whether it is CSV or XLSX is judged by its content.",
        "content": {
            CSV: {"schema": _A_FILE, "example": _EXAMPLE},
            XLSX: {"schema": _A_FILE, "example": "(a workbook)"},
            ANY: {"schema": _A_FILE, "example": _EXAMPLE},
        },
    }
}

Encoding = Literal["utf-8", "utf-16", "gb18030", "gbk", "big5"]


class ColumnMeaning(Input):
    """What one column of a file holds."""

    column: int = Field(ge=0, lt=MOST_COLUMNS, description="its place, from 0", examples=[1])
    field: Meaning = Field(description="what it holds; only tags may come from several columns", examples=["name"])


class MemberFileMap(Input):
    """What the columns of a file hold; a column that is not named is left out. `name` is needed, and an id or a contact."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "columns": [
                        {"column": 0, "field": "external_id"},
                        {"column": 1, "field": "name"},
                        {"column": 2, "field": "phone"},
                    ],
                    "tags": ["2026春"],
                    "source": "crm",
                }
            ]
        }
    )

    columns: list[ColumnMeaning] = Field(min_length=1, max_length=MOST_COLUMNS)
    tags: list[Tag] = Field(
        default=[], max_length=MOST_TAGS_IN_ROW, description="for everybody in the file", examples=[["2026春"]]
    )
    source: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,30}$")] | None = Field(
        default=None, description="put before each external id, with a colon: name the system whose ids they are"
    )


class ColumnOut(Output):
    """A column as the file has it."""

    column: int = Field(description="its place, from 0", examples=[1])
    name: str = Field(description="its header; empty when it has none", examples=["姓名"])
    samples: list[str] = Field(description="what the first rows say", examples=[["林悦", "王小明"]])
    suggested: Meaning | None = Field(description="what its header seems to mean", examples=["name"])


class OutcomeCounts(Output):
    """Rows by what happens to them, so far."""

    create: int = Field(description="a new account becomes a member", examples=[960])
    join: int = Field(description="an account that the organization has becomes a member", examples=[12])
    change: int = Field(description="a member gets tags", examples=[20])
    keep: int = Field(description="a member of whom everything is known", examples=[5])
    reject: int = Field(description="not taken", examples=[3])


class BroughtFileOut(Output):
    """A file of members: what it holds, what it means and how far it has come."""

    id: UUID
    community_id: UUID
    state: FileState = Field(
        description="uploaded → mapped → checking → checked → importing → imported; cancelled ends it",
        examples=["checked"],
    )
    filename: str | None = Field(examples=["members.csv"])
    format: Literal["csv", "xlsx"]
    encoding: str | None = Field(description="of a CSV file", examples=["gb18030"])
    delimiter: str | None = Field(description="of a CSV file", examples=[","])
    header: bool = Field(description="whether the first row names the columns")
    columns: list[ColumnOut]
    mapping: MemberFileMap | None = Field(description="what the columns hold; null until somebody says so")
    rows: int = Field(description="that hold something, without the header", examples=[1000])
    done: int = Field(description="rows judged, or taken, so far", examples=[1000])
    counts: OutcomeCounts
    reason: str | None = Field(description="why it ended before its end", examples=[None])
    created_by: UUID
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime = Field(description="when the file and its rows are dropped")
    version: int
    can: list[str] = Field(description="map, dry_run, start, cancel", examples=[["map", "dry_run", "start", "cancel"]])


class RowReason(Output):
    """Why a row is not taken."""

    code: str = Field(description="stable", examples=["phone-invalid"])
    detail: str = Field(description="in the reader's language", examples=["电话号码无效:请带上国家代码,例如 +86。"])
    params: dict[str, Any] = Field(examples=[{}])


class MemberFileRowOut(Output):
    """A row, and what happens or happened to it."""

    number: int = Field(description="its place in the file, from 1, the header counted", examples=[2])
    cells: list[str] = Field(examples=[["1001", "林悦", "13800138000"]])
    outcome: Outcome
    reason: RowReason | None = Field(description="of a rejected row", examples=[None])
    account_id: UUID | None = Field(description="the account that there is; null for one that is to be made")
