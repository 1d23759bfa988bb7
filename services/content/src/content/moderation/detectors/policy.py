"""What a detector finds about a text and its author: decisions over plain values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from content.moderation.detection import contacts, links
from content.moderation.detection.contacts import Contact
from content.moderation.detection.links import LinkRule
from content.moderation.detection.sketches import Sketch, similarity
from content.moderation.detection.words import MOST_SPANS, Span, WordList
from content.moderation.folding import Folded, compact, plain

MOST_DETECTORS = 50
MOST_WORDS = 20_000
MOST_HOSTS = 5_000
LONGEST_WINDOW = timedelta(days=30)


class DetectorKind(StrEnum):
    """What a detector looks at."""

    WORDS = "words"
    LINKS = "links"
    CONTACTS = "contacts"
    FLOODING = "flooding"
    DUPLICATES = "duplicates"
    NEWCOMERS = "newcomers"


class Action(StrEnum):
    """What becomes of a text in which something is found."""

    BLOCK = "block"
    HOLD = "hold"
    FLAG = "flag"


class Read:
    """A text in the forms that detectors read, each made when the first of them asks."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._plain: Folded | None = None
        self._compact: Folded | None = None

    @property
    def plain(self) -> Folded:
        """The text folded, gaps and all."""
        if self._plain is None:
            self._plain = plain(self.text)
        return self._plain

    @property
    def compact(self) -> Folded:
        """The text folded, without gaps."""
        if self._compact is None:
            self._compact = compact(self.text)
        return self._compact


@dataclass(frozen=True, slots=True)
class Like:
    """A text of somebody else that may be alike."""

    author_id: UUID
    subject_id: UUID
    said_at: datetime
    sketch: list[int]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an author and of what was said before, at the moment of the check."""

    now: datetime
    joined_at: datetime | None = None
    tier: str | None = None
    said: Sequence[datetime] = ()
    """When the author said something here, as far back as it is remembered."""
    alike: Sequence[Like] = ()
    sketch: Sketch | None = None
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found: where in the text, in numbers, or in whose texts."""

    spans: Mapping[str, list[Span]] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    similar_to: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """How much may be said in how long, by members of a tier or, with none, by everybody whose tier has no rate of its own."""

    most: int
    seconds: int
    tier: str | None = None


class Detection:
    """A detector ready to look."""

    def find(self, texts: Mapping[str, Read], facts: Facts) -> Finding | None:
        """Return what is found in a text of these fields (title, body), None for nothing."""
        raise NotImplementedError


def _in_text(spans: Mapping[str, list[Span]]) -> Finding | None:
    found = {name: places for name, places in spans.items() if places}
    return Finding(spans=found) if found else None


@dataclass(frozen=True, slots=True)
class WordsDetection(Detection):
    """Finds words."""

    words: WordList

    def find(self, texts: Mapping[str, Read], facts: Facts) -> Finding | None:  # noqa: ARG002  not about the author
        """Return where words stand."""
        return _in_text({name: self.words.find(text.compact) for name, text in texts.items()})


@dataclass(frozen=True, slots=True)
class LinksDetection(Detection):
    """Finds links."""

    rule: LinkRule

    def find(self, texts: Mapping[str, Read], facts: Facts) -> Finding | None:  # noqa: ARG002  not about the author
        """Return where links stand that the rule is about."""
        return _in_text({name: links.find(text.text, text.plain, self.rule) for name, text in texts.items()})


@dataclass(frozen=True, slots=True)
class ContactsDetection(Detection):
    """Finds ways to be reached elsewhere."""

    wanted: Collection[Contact]
    allowed: Sequence[str]

    def find(self, texts: Mapping[str, Read], facts: Facts) -> Finding | None:  # noqa: ARG002  not about the author
        """Return where contacts stand."""
        return _in_text(
            {name: contacts.find(text.plain, text.compact, self.wanted, self.allowed) for name, text in texts.items()}
        )


@dataclass(frozen=True, slots=True)
class FloodingDetection(Detection):
    """Finds who says too much in too short a time."""

    rates: Sequence[Rate]

    def find(self, texts: Mapping[str, Read], facts: Facts) -> Finding | None:  # noqa: ARG002  not about the text
        """Return the rate that one more text would exceed. Changing what was said is not saying more."""
        if facts.edited:
            return None
        for rate in applicable(self.rates, facts.tier):
            found = _pace(facts, rate.most, rate.seconds)
            if found is not None:
                return found
        return None


def _pace(facts: Facts, most: int, seconds: int) -> Finding | None:
    said = sum(at > facts.now - timedelta(seconds=seconds) for at in facts.said)
    return Finding(figures={"said": said, "most": most, "seconds": seconds}) if said >= most else None


@dataclass(frozen=True, slots=True)
class DuplicatesDetection(Detection):
    """Finds what others said nearly alike not long ago."""

    least: float
    authors: int
    hours: int

    def find(self, texts: Mapping[str, Read], facts: Facts) -> Finding | None:  # noqa: ARG002  the sketch says it all
        """Return the texts of others that are alike, when enough people said them."""
        if facts.sketch is None:
            return None
        since = facts.now - timedelta(hours=self.hours)
        alike = [
            (score, like)
            for like in facts.alike
            if like.said_at > since and (score := similarity(facts.sketch.values, like.sketch)) >= self.least
        ]
        people = {like.author_id for _, like in alike}
        if len(people) < self.authors:
            return None
        alike.sort(key=lambda pair: (-pair[0], pair[1].said_at))
        subjects = list(dict.fromkeys(like.subject_id for _, like in alike))[:MOST_SPANS]
        return Finding(figures={"similarity": round(alike[0][0], 3), "people": len(people)}, similar_to=subjects)


@dataclass(frozen=True, slots=True)
class NewcomersDetection(Detection):
    """Finds what those who have only just come may not do yet."""

    days: int
    no_links: bool = False
    no_contacts: bool = False
    most_per_day: int | None = None
    first: int | None = None

    def find(self, texts: Mapping[str, Read], facts: Facts) -> Finding | None:
        """Return which limit of newcomers a text exceeds."""
        if facts.joined_at is not None and facts.now - facts.joined_at >= timedelta(days=self.days):
            return None
        spans: dict[str, list[Span]] = {}
        for name, text in texts.items():
            spans[name] = links.find(text.text, text.plain, LinkRule(only_allowed=True)) if self.no_links else []
            if self.no_contacts:
                spans[name] += contacts.find(text.plain, text.compact, frozenset(Contact))
        found = _in_text(spans)
        if found is None and not facts.edited and self.most_per_day is not None:
            found = _pace(facts, self.most_per_day, 86_400)
        if found is None and not facts.edited and self.first is not None and len(facts.said) < self.first:
            found = Finding(figures={"count": len(facts.said) + 1, "first": self.first})
        return found


def applicable(rates: Sequence[Rate], tier: str | None) -> list[Rate]:
    """Return the rates of a member: those of the tier, or if it has none those without a tier."""
    own = [rate for rate in rates if rate.tier is not None and rate.tier == tier]
    return own or [rate for rate in rates if rate.tier is None]
