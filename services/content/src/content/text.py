"""What a body of text is: Markdown without control or hidden characters, in which a mention names an account by its id."""

from __future__ import annotations

import re
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.requests import CONTROL

LONGEST_BODY = 100_000
MENTION = re.compile(r"<@([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})>")


def mentions(body: str) -> list[UUID]:
    """Return the accounts that a text mentions as `<@ACCOUNT_ID>`, each once, in the order of their first mention."""
    return list(dict.fromkeys(UUID(found) for found in MENTION.findall(body)))


# What shows nothing and can carry or turn something: fillers, zero-width spaces, embeddings and overrides of direction, deprecated
# format characters, tags. Of tags the flags of regions are made (🏴 and letters, closed): those stay.
_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f"
_HIDDEN = re.compile(
    f"({_FLAG})|"
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u202a-\u202e\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
_LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029]")
# A variation selector styles the character before it, one each.
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_LOOSE_SELECTOR = re.compile(f"(?:(?<=[\\s{_SELECTORS}\u200c\u200d])|\\A)[{_SELECTORS}]")
# Joiners shape emoji, and the letters of scripts that join: elsewhere they only hide.
_LOOSE_JOINER = re.compile(
    "(?<![\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u2190-\u2bff\ufb50-\ufdff\ufe0f\ufe70-\ufefe\U0001f000-\U0001faff])"
    "[\u200c\u200d]"
)
_PILED = re.compile("([\u0300-\u036f]{8})[\u0300-\u036f]+")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u2066-\u2069]")


def clean(value: str) -> str:
    """Return a text without what hides in it; cleaning it again changes nothing.

    Zero-width and other invisible characters go, and those that turn the direction of what follows; joiners, variation selectors and
    region flags stay where they shape what is seen. Marks and isolates of direction stay: right-to-left languages need them, and they
    end with their paragraph. Line ends become line feeds, and at most 8 accents pile up.
    """
    value = _LINE_ENDS.sub("\n", value)
    value = _HIDDEN.sub(r"\1", value)
    value = _LOOSE_SELECTOR.sub("", value)
    value = _LOOSE_JOINER.sub("", value)
    return _PILED.sub(r"\1", value)


def clean_line(value: str) -> str:
    """Return a text of one line without what hides in it, and without marks of direction, which would reach into its neighbours."""
    return clean(_DIRECTIONS.sub("", value))


def _cleaned(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


def _cleaned_line(value: object) -> object:
    return clean_line(value) if isinstance(value, str) else value


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
    BeforeValidator(_cleaned),
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
    BeforeValidator(_cleaned_line),
    Plain,
    Field(description="plain text, 1 to 200 characters", examples=["每日一词"]),
]
Section = Annotated[
    str,
    StringConstraints(pattern=r"^\S+$", min_length=1, max_length=80),
    Plain,
    Field(description="the part of the community that it stands in, one word", examples=["daily-topic"]),
]
