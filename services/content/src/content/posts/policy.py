"""Who may say and change what: decisions over plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple
from uuid import UUID

from content.refusal import Refusal
from contracts.members import CommunityState

DEFAULT_SECTION = "general"
MOST_MENTIONS = 50
DATES = ("expires_at", "review_at", "acknowledge_by")
FURTHEST_DATE = timedelta(days=3660)


class PostKind(StrEnum):
    """What a post is. Members write posts; everything else is the editors'."""

    POST = "post"
    ARTICLE = "article"
    DAILY_TOPIC = "daily_topic"
    GREETING = "greeting"
    RESOURCE = "resource"
    ANNOUNCEMENT = "announcement"


class PostState(StrEnum):
    """Where a post stands. Only what is published others see."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    HELD = "held"
    EXPIRED = "expired"
    REMOVED = "removed"


class Act(StrEnum):
    """What becomes of a text that a check has judged, from mild to strict."""

    ALLOW = "allow"
    FLAG = "flag"
    HOLD = "hold"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Clause:
    """The rule that a verdict rests on: its code, and its text by language."""

    code: str
    text: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check decides, by which clause, and for the sake of which fields, where it is one of them and not all."""

    act: Act
    clause: Clause | None = None
    fields: tuple[str, ...] = ()


ALLOWED = Verdict(Act.ALLOW)


def stricter(one: Verdict, other: Verdict) -> Verdict:
    """Return the stricter of two verdicts, the first when they are equally strict."""
    order = list(Act)
    return other if order.index(other.act) > order.index(one.act) else one


@dataclass(frozen=True, slots=True)
class Caller:
    """What a member is, towards what is said: `trusted` are staff and holders of any role."""

    trusted: bool
    moderator: bool
    editor: bool = False


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something about to be said or changed: `id` is what it has or will have, `kind` a PostKind or `comment`.

    `by` is who does it at this moment, its author or another; none: the calendar.
    """

    id: UUID
    organization_id: UUID
    community_id: UUID
    author_id: UUID
    caller: Caller
    kind: str
    title: str | None
    body: str
    media: tuple[UUID, ...] = ()
    group_id: UUID | None = None
    persona_id: UUID | None = None
    edited: bool = False
    by: UUID | None = None


def replaced(utterance: Utterance, title: str | None, body: str) -> Utterance:
    """Return the utterance with other words."""
    return replace(utterance, title=title, body=body)


def writing_refusal(kind: PostKind, caller: Caller) -> Refusal | None:
    """Return why a caller cannot write this kind of post: members write posts, editors everything."""
    if kind is PostKind.POST or caller.editor:
        return None
    return Refusal("editors-only", f"Only editors and managers write what is of kind {kind}.")


class Fault(NamedTuple):
    """What is wrong with what editors say of a piece: the field, a stable code, and words."""

    field: str
    code: str
    detail: str


def arrangement_fault(
    kind: PostKind,
    *,
    now: datetime,
    dates: Mapping[str, datetime | None],
    acknowledge: bool,
    acknowledge_by: datetime | None,
    benefit: bool,
) -> Fault | None:
    """Return what is wrong with a piece's dates and requests: dates to come, within ten years; receipts and benefits on announcements."""
    for name, at in dates.items():
        if at is not None and at <= now:
            return Fault(name, "in-the-past", "It lies in the past.")
        if at is not None and at > now + FURTHEST_DATE:
            return Fault(name, "too-far", "It lies more than ten years ahead.")
    if acknowledge and kind is not PostKind.ANNOUNCEMENT:
        return Fault("acknowledge", "announcements-only", "Only announcements ask to be acknowledged.")
    if acknowledge_by is not None and not acknowledge:
        return Fault("acknowledge_by", "not-asked-for", "Nobody is asked to acknowledge it.")
    if benefit and kind is not PostKind.ANNOUNCEMENT:
        return Fault("benefit", "announcements-only", "Only announcements lead with a benefit.")
    return None


def speaking_refusal(state: CommunityState, caller: Caller) -> Refusal | None:
    """Return why nothing new can be said in a community, None when it can: open to members, as a draft to the trusted."""
    match state:
        case CommunityState.OPEN:
            return None
        case CommunityState.DRAFT:
            return None if caller.trusted else Refusal("community-draft", "The community is not open yet.")
        case CommunityState.PAUSED:
            return Refusal("community-paused", "The community is paused: nothing new until it goes on.")
        case CommunityState.ARCHIVED:
            return archive_refusal(state)


def archive_refusal(state: CommunityState) -> Refusal | None:
    """Return why a text cannot be changed or imported any more; taking it down stays possible."""
    if state is CommunityState.ARCHIVED:
        return Refusal("community-archived", "The community is archived: it can only be read.")
    return None


def may_change(caller: Caller, *, own: bool, editorial: bool = False) -> bool:
    """Return whether a caller may edit or delete: authors their own, moderators everything, editors what is the editors'."""
    return own or caller.moderator or (editorial and caller.editor)


def sees(state: PostState, caller: Caller, *, own: bool, editorial: bool) -> bool:
    """Return whether a caller reads a post of a state, groups apart: what `queries.readable` asks in SQL. What is removed nobody reads."""
    if own or state in {PostState.PUBLISHED, PostState.REMOVED}:
        return state is not PostState.REMOVED
    if state is PostState.HELD:
        return caller.moderator
    return editorial and (caller.editor or caller.moderator)


class Stage(IntEnum):
    """Where a text stands towards a caller."""

    HIDDEN = 0
    SHOWN = 1
    READY = 2
    """It can be published."""
    WAITING = 3
    """It waits for a second person, which the caller would be."""
    WAITING_FOR_OTHERS = 4
    """It waits for a second person, and the caller is the first."""


def can(
    state: CommunityState,
    caller: Caller,
    *,
    own: bool,
    answer: str,
    editorial: bool = False,
    stage: Stage = Stage.SHOWN,
) -> list[str]:
    """Return what a caller may do with a text; `answer` is the word for answering it: comment on a post, reply to a comment."""
    speaks, writable = speaking_refusal(state, caller) is None, archive_refusal(state) is None
    allowed = [answer, "react"] if stage is Stage.SHOWN and speaks else []
    changes = may_change(caller, own=own, editorial=editorial)
    if changes:
        allowed += ["edit", "delete"] if writable else ["delete"]
    if answer != "comment":
        return allowed
    if changes and stage is Stage.READY and speaks:
        allowed.append("publish")
    if changes and stage in {Stage.SHOWN, Stage.WAITING, Stage.WAITING_FOR_OTHERS}:
        allowed.append("withdraw")
    if caller.editor and stage is Stage.WAITING and speaks:
        allowed.append("review")
    if caller.editor and stage is Stage.SHOWN and writable:
        allowed.append("pin")
    return allowed
