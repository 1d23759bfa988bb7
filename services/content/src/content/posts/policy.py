"""Who may say and change what: decisions over plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from content.refusal import Refusal
from contracts.members import CommunityState

DEFAULT_SECTION = "general"


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
    SCHEDULED = "scheduled"
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
    """What one check decides, and by which clause."""

    act: Act
    clause: Clause | None = None


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
    """Something about to be said or changed: `id` is what it has or will have, `kind` a PostKind or `comment`."""

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
    delivered: bool = False


def replaced(utterance: Utterance, title: str | None, body: str) -> Utterance:
    """Return the utterance with other words."""
    return replace(utterance, title=title, body=body)


def writing_refusal(kind: PostKind, caller: Caller) -> Refusal | None:
    """Return why a caller cannot write this kind of post: members write posts, editors everything."""
    if kind is PostKind.POST or caller.editor:
        return None
    return Refusal("editors-only", f"Only editors and managers write what is of kind {kind}.")


def first_state(kind: PostKind, verdict: Verdict, *, draft: bool, reviewed: frozenset[str]) -> PostState:
    """Return the state in which a new post begins: its own wish, then the community's review, then the verdict."""
    if draft:
        return PostState.DRAFT
    if kind in reviewed:
        return PostState.IN_REVIEW
    return PostState.HELD if verdict.act is Act.HOLD else PostState.PUBLISHED


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


def may_change(caller: Caller, *, own: bool) -> bool:
    """Return whether a caller may edit or delete: authors their own, moderators everything."""
    return own or caller.moderator


def can(state: CommunityState, caller: Caller, *, own: bool, answer: str) -> list[str]:
    """Return what a caller may do with a text; `answer` is the word for answering it (comment, reply)."""
    allowed = [answer, "react"] if speaking_refusal(state, caller) is None else []
    if may_change(caller, own=own):
        allowed += ["delete"] if archive_refusal(state) else ["edit", "delete"]
    return allowed
