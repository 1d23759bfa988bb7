"""What HTTP schemas have in common: strict inputs, pages, safe text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
EVERY_ZONE = frozenset(available_timezones()) - {"localtime", "Factory"}
"""What PostgreSQL knows too: not this machine's own zone, nor the one that says it was never set."""


EARLIEST, LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""The instants that are some in every zone of the world."""


def _no_number(value: Any) -> Any:  # noqa: ANN401  whatever was sent
    """Let pass what is no number, in quotes or not: by itself pydantic takes those for seconds, or milliseconds, since 1970."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return value
    raise ValueError(f"{number:g} is no instant; write one as 2026-11-22T07:30:00Z")


Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST), BeforeValidator(_no_number)]
"""An instant as RFC 3339 writes it, for queries; the fields of an `Input` are such by themselves."""


def _exact(schema: Any) -> None:  # noqa: ANN401  pydantic's core schema: nested dicts and lists
    """Let numbers be numbers and truth be truth: by itself pydantic takes "5" and true for whole numbers, and 1 for true.

    And let instants be written out, and be ones that can be told in UTC, and anywhere else.
    """
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if one.get("type") == "function-before" and one["function"]["function"] is _no_number:
                continue
            if one.get("type") in {"int", "float", "bool"}:
                one["strict"] = True
            elif one.get("type") == "datetime" and one.get("tz_constraint") == "aware":
                one.setdefault("ge", EARLIEST)
                one.setdefault("le", LATEST)
                inner = dict(one)
                one.clear()
                one.update(core_schema.no_info_before_validator_function(_no_number, inner))
                continue
            # What stands there is about the document, and no schema of pydantic's.
            waiting.extend(value for name, value in one.items() if name != "metadata")
        elif isinstance(one, list | tuple):
            waiting.extend(one)


class Input(BaseModel):
    """What a route accepts; an unknown field is an error, so that a typo never passes in silence, and so is a number in quotes."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401  pydantic's
        """Return pydantic's schema, with exact numbers and truth values."""
        schema = handler(source)
        _exact(schema)
        return schema


class Output(BaseModel):
    """What a route returns."""

    model_config = ConfigDict(from_attributes=True)


T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` asks for the next, null at the end."""

    data: list[T]
    next_cursor: str | None


def _known_zone(name: str) -> str:
    if name not in EVERY_ZONE:
        raise ValueError("not a time zone of the IANA database, such as Asia/Shanghai")
    return ZoneInfo(name).key


def _language_map(texts: dict[str, str]) -> dict[str, str]:
    for tag in texts:
        if not LANGUAGE_TAG.fullmatch(tag):
            raise ValueError(f"{tag!r} is not a language tag, such as zh or en")
    return texts


Zone = Annotated[str, Field(max_length=64, examples=["Asia/Shanghai"]), AfterValidator(_known_zone)]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$", min_length=2, max_length=60),
    Field(examples=["english-learning"]),
]
Locale = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=20), Field(examples=["zh"])
]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
TextMap = Annotated[
    dict[str, ShortText],
    Field(min_length=1, max_length=20, examples=[{"zh": "英语学习社群", "en": "English learners"}]),
    AfterValidator(_language_map),
]
LongTextMap = Annotated[
    dict[str, LongText],
    Field(max_length=20, examples=[{"zh": "每天一起学一点。", "en": "A little every day, together."}]),
    AfterValidator(_language_map),
]


_FAULT = {
    "type": "object",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {
            "type": "string",
            "description": "JSON pointer (RFC 6901) into the body; what is not in it starts with /path, /query or /header",
        },
        "code": {"type": "string", "description": "stable"},
        "detail": {"type": "string"},
    },
}


class ProblemOut(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(examples=["urn:hearth:problem:not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such post."])
    trace_id: str = Field(examples=["4bf92f3577b34da6a3ce929d0e0e4736"])
    errors: list[Annotated[dict[str, Any], WithJsonSchema(_FAULT)]] = Field(
        default=[],
        description="what is wrong with the request, one by one, where that can be said",
        examples=[
            [{"pointer": "/body", "code": "string-too-short", "detail": "String should have at least 1 character"}]
        ],
    )


_WORDS = {
    400: "The request is malformed.",
    401: "No token, or one that is not valid any more.",
    403: "The caller may not do this.",
    404: "It does not exist for this caller.",
    408: "The body did not arrive in time.",
    409: "It does not fit the present state.",
    410: "It was here and is gone for good.",
    412: "If-Match names another version: read again.",
    413: "The body is too large.",
    415: "The body is not of the media type that this route takes.",
    416: "The range starts behind the end.",
    422: "The request does not match what this route accepts.",
    428: "If-Match is missing.",
    429: "Too many requests: Retry-After says when.",
    503: "Not able right now: Retry-After says when.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return FastAPI's `responses` for the named problem statuses."""
    return {
        status: {
            "description": _WORDS[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
        }
        for status in statuses
    }
