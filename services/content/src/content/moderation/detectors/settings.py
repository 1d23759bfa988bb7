"""What a detector of each kind is told to look for."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from chassis.schemas import Input
from content.moderation.detection import links
from content.moderation.detection.contacts import Contact
from content.moderation.detection.links import LinkRule
from content.moderation.detection.words import WordList
from content.moderation.detectors.policy import (
    LONGEST_WINDOW,
    MOST_HOSTS,
    MOST_WORDS,
    ContactsDetection,
    Detection,
    DuplicatesDetection,
    FloodingDetection,
    LinksDetection,
    NewcomersDetection,
    Rate,
    WordsDetection,
)
from content.text import Plain

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Plain]


def _host(name: str) -> str:
    host = links.clean_host(name)
    if host is None:
        raise PydanticCustomError("host", "Not a host name such as example.com: no scheme, port or path.")
    return host


Host = Annotated[
    str, StringConstraints(min_length=3, max_length=253), AfterValidator(_host), Field(examples=["example.com"])
]


class WordsSettings(Input):
    """Words that may not be said. They are literal; case, width, script, look-alike letters and gaps are seen through."""

    kind: Literal["words"]
    words: list[Word] = Field(min_length=1, max_length=MOST_WORDS, examples=[["加微信", "casino"]])
    exceptions: list[Word] = Field(
        default=[],
        max_length=MOST_WORDS,
        description="phrases in which the words are innocent",
        examples=[["更加微信任"]],
    )
    whole_words: bool = Field(
        default=True, description="false: words of letters are found inside other words too; Chinese always is"
    )

    def detection(self) -> Detection:
        """Return the detector ready to look."""
        return WordsDetection(WordList(self.words, self.exceptions, whole_words=self.whole_words))


class LinksSettings(Input):
    """Links, by the host they lead to; a host stands for its subdomains."""

    kind: Literal["links"]
    only_allowed: bool = Field(default=False, description="every link is found but those to allowed hosts")
    allowed: list[Host] = Field(default=[], max_length=MOST_HOSTS)
    denied: list[Host] = Field(default=[], max_length=MOST_HOSTS, examples=[["casino.example"]])
    shorteners: bool = Field(default=True, description="links that hide where they lead are found")

    def detection(self) -> Detection:
        """Return the detector ready to look."""
        rule = LinkRule(
            only_allowed=self.only_allowed,
            denied=frozenset(self.denied),
            allowed=frozenset(self.allowed),
            shorteners=self.shorteners,
        )
        return LinksDetection(rule)


class ContactsSettings(Input):
    """Ways to be reached elsewhere: phone numbers, WeChat and QQ ids, mail, messengers, hints at QR codes."""

    kind: Literal["contacts"]
    contacts: list[Contact] = Field(default=list(Contact), min_length=1, max_length=len(Contact))
    allowed: list[Word] = Field(
        default=[], max_length=500, description="the brand's own contacts", examples=[["400-820-8820"]]
    )

    def detection(self) -> Detection:
        """Return the detector ready to look."""
        return ContactsDetection(frozenset(self.contacts), tuple(self.allowed))


class RateLimit(Input):
    """How much may be said in how long."""

    most: int = Field(ge=1, le=10_000, examples=[5])
    seconds: int = Field(ge=1, le=int(LONGEST_WINDOW.total_seconds()), examples=[60])
    tier: Annotated[str, StringConstraints(min_length=1, max_length=60), Plain] | None = Field(
        default=None,
        description="key of the tier; none: everybody whose tier has no rate of its own",
        examples=["newcomer"],
    )


class FloodingSettings(Input):
    """Too much in too short a time, by the author's tier."""

    kind: Literal["flooding"]
    rates: list[RateLimit] = Field(min_length=1, max_length=50, examples=[[{"most": 5, "seconds": 60}]])

    def detection(self) -> Detection:
        """Return the detector ready to look."""
        return FloodingDetection(tuple(Rate(one.most, one.seconds, one.tier) for one in self.rates))


class DuplicatesSettings(Input):
    """Nearly the same text as others published not long ago."""

    kind: Literal["duplicates"]
    similarity: float = Field(default=0.8, ge=0.5, le=1, description="from which share of common shingles on")
    authors: int = Field(default=1, ge=1, le=20, description="by how many other people at least")
    hours: int = Field(default=72, ge=1, le=720)

    def detection(self) -> Detection:
        """Return the detector ready to look."""
        return DuplicatesDetection(self.similarity, self.authors, self.hours)


class NewcomersSettings(Input):
    """What members may not do in their first days."""

    kind: Literal["newcomers"]
    days: int = Field(ge=1, le=365, description="for so long after joining", examples=[7])
    no_links: bool = False
    no_contacts: bool = False
    most_per_day: int | None = Field(default=None, ge=0, le=1000)
    first: int | None = Field(default=None, ge=1, le=100, description="their first so many texts of a month are found")

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if not (self.no_links or self.no_contacts or self.most_per_day is not None or self.first is not None):
            raise PydanticCustomError("no_limit", "It limits nothing.")
        return self

    def detection(self) -> Detection:
        """Return the detector ready to look."""
        return NewcomersDetection(self.days, self.no_links, self.no_contacts, self.most_per_day, self.first)


AnySettings = (
    WordsSettings | LinksSettings | ContactsSettings | FloodingSettings | DuplicatesSettings | NewcomersSettings
)
Settings = Annotated[
    AnySettings,
    Field(discriminator="kind", examples=[{"kind": "contacts", "contacts": ["phone", "wechat"]}]),
]
STORED: TypeAdapter[AnySettings] = TypeAdapter(Settings)
"""Reads settings as they are stored."""
