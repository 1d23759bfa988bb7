"""What a body of text is: Markdown without control characters, in which a mention names an account by its id."""

from __future__ import annotations

import re
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.requests import CONTROL

LONGEST_BODY = 100_000
_MENTION = re.compile(r"<@([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})>")


def mentions(body: str) -> list[UUID]:
    """Return the accounts that a text mentions as `<@ACCOUNT_ID>`, each once, in the order of their first mention."""
    return list(dict.fromkeys(UUID(found) for found in _MENTION.findall(body)))


def _lines(value: object) -> object:
    """Write line ends as line feeds; carriage returns come with Windows clients."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


def _plain(value: str) -> str:
    if CONTROL.search(value):
        raise PydanticCustomError("control_character", "Control characters are not accepted.")
    return value


def _visible(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("blank", "There is nothing but blanks.")
    return value


Plain = AfterValidator(_plain)
"""Refuses control characters where the request did not."""
Body = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_BODY),
    BeforeValidator(_lines),
    Plain,
    AfterValidator(_visible),
    Field(
        description="Markdown, 1 to 100,000 characters; a mention is `<@ACCOUNT_ID>`",
        examples=["今天的单词:*serendipity*。Who can use it in a sentence?"],
    ),
]
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\r\n\t]*$"),
    Plain,
    Field(description="plain text, 1 to 200 characters", examples=["每日一词"]),
]
Section = Annotated[
    str,
    StringConstraints(pattern=r"^\S+$", min_length=1, max_length=80),
    Plain,
    Field(description="the part of the community that it stands in, one word", examples=["daily-topic"]),
]
