"""A whole export as members, posts, comments and reactions, in the order in which Hearth takes them.

The zip is read several times, one day file at a time: first a survey (who spoke, which threads exist, what is wrong), then
each kind of item. So neither the size of an export nor the order of its messages matters. What cannot be imported is
rejected by itself, with its place, and the rest goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from hearth.slack.archive import Archive, EntryError, Rejected, Rejections
from hearth.slack.messages import (
    TEXT_TOO_LONG,
    Attachment,
    Heard,
    Reaction,
    RefusedError,
    Skip,
    interpret,
    latest_micros,
    message_id,
    reactions_to,
)
from hearth.slack.text import Mention, time_of, ts_of
from hearth.slack.workspace import Channel, Workspace, bot_id, user_id

NIL_ACCOUNT: Final = "00000000-0000-0000-0000-000000000000"
"""Stands for every account while texts are only measured."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who belongs: a user of the workspace, or a bot that spoke in it."""

    external_id: str
    display_name: str
    bot: bool
    deleted: bool
    joined_at: datetime | None
    """Time of the first message; None for those who never spoke."""
    place: str


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said: a post, or a comment when `post_external_id` is set. `author` is a member's external id."""

    external_id: str
    post_external_id: str | None
    author: str
    body: str
    said_at: datetime
    section: str
    edited_at: datetime | None
    attachments: tuple[Attachment, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items an export holds."""

    members: int
    posts: int
    comments: int
    reactions: int


class Export:
    """An opened and surveyed export. Close it, or use it with `with`.

    Messages from later than five minutes after `now` are rejected. Raises ExportError when the file is no export at all.
    """

    def __init__(self, path: Path, *, now: datetime) -> None:
        self._rejections = Rejections()
        self._now = now
        self._latest = latest_micros(now)
        self._first: dict[str, int] = {}
        self._threads: dict[str, set[int]] = {}
        self._left_out: set[str] = set()
        self.skipped: Counter[str] = Counter()
        self._archive = Archive(path, self._rejections)
        try:
            self._workspace = Workspace(self._archive, self._rejections)
            self._days = self._workspace.days(self.skipped)
            self.counts, self.orphans = self._survey()
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    @property
    def rejected(self) -> list[Rejected]:
        """Everything that is left out because something is wrong with it."""
        return self._rejections.listed()

    def members(self) -> Iterator[Member]:
        """Yield the users of the workspace and then the bots that spoke, each once."""
        for person in self._workspace.people():
            first = self._first.get(person.external_id)
            yield Member(
                external_id=person.external_id,
                display_name=person.display_name,
                bot=person.bot,
                deleted=person.deleted,
                # clocks differ: a first message may lie a moment ahead, a joining may not
                joined_at=None if first is None else min(time_of(first), self._now),
                place=person.place,
            )

    def posts(self, accounts: Mapping[str, str]) -> Iterator[Message]:
        """Yield the posts. `accounts` maps members' external ids to account ids, for the mentions."""
        return (_message(heard, None) for heard in self._heard(accounts) if self._parent(heard) is None)

    def comments(self, accounts: Mapping[str, str]) -> Iterator[Message]:
        """Yield the comments, each with the external id of its post."""
        for heard in self._heard(accounts):
            parent = self._parent(heard)
            if parent is not None:
                yield _message(heard, parent)

    def reactions(self) -> Iterator[Reaction]:
        """Yield the reactions to the posts and comments."""
        for heard in self._heard({}):
            for reaction in reactions_to(heard, self._workspace):
                if isinstance(reaction, Reaction):
                    yield reaction

    def _survey(self) -> tuple[Counts, int]:
        """Go through everything once, noting all that later passes need; return the counts, and how many are orphans."""
        seen: dict[str, set[int]] = {}
        replies: dict[str, list[int]] = {}
        reactions = 0
        for heard in self._read(lambda _ident: NIL_ACCOUNT, self._rejections):
            channel = heard.channel.id
            before = seen.setdefault(channel, set())
            if heard.micros in before:
                self._left_out.add(heard.place)
                what = f"{ts_of(heard.micros)} occurs twice in this channel; the first one counts"
                self._rejections.add(heard.place, "duplicate_ts", what)
                continue
            before.add(heard.micros)
            self._first[heard.author] = min(heard.micros, self._first.get(heard.author, heard.micros))
            if heard.thread is None:
                self._threads.setdefault(channel, set()).add(heard.micros)
            else:
                replies.setdefault(channel, []).append(heard.thread)
            for reaction in reactions_to(heard, self._workspace):
                if isinstance(reaction, Reaction):
                    reactions += 1
                else:
                    self._rejections.add(*reaction)
        total = sum(map(len, seen.values()))
        comments = sum(
            thread in self._threads.get(channel, ()) for channel, threads in replies.items() for thread in threads
        )
        orphans = sum(map(len, replies.values())) - comments
        members = len(self._workspace.people())
        return Counts(members=members, posts=total - comments, comments=comments, reactions=reactions), orphans

    def _heard(self, accounts: Mapping[str, str]) -> Iterator[Heard]:
        """Yield what the survey accepted."""

        def mention(ident: str) -> str | None:
            return accounts.get(user_id(ident)) or accounts.get(bot_id(ident))

        return (heard for heard in self._read(mention, None) if heard.place not in self._left_out)

    def _read(self, mention: Mention, rejections: Rejections | None) -> Iterator[Heard]:
        """Yield every message that can be understood. With `rejections` (the survey) what is left out is noted."""
        for raw, channel, place in self._entries(rejections):
            try:
                heard = interpret(raw, channel, place, self._workspace, mention, self._latest)
            except Skip as skip:
                if rejections is not None:
                    self.skipped[str(skip)] += 1
            except RefusedError as refused:
                if rejections is not None:
                    rejections.add(place, refused.code, str(refused))
                    if refused.code == TEXT_TOO_LONG:
                        # with fewer mentions known it might pass later, and no pass may disagree with the survey
                        self._left_out.add(place)
            else:
                yield heard

    def _entries(self, rejections: Rejections | None) -> Iterator[tuple[object, Channel, str]]:
        """Yield the entries of all day files with their channel and place; a file that cannot be read is left out."""
        for name, channel in self._days:
            try:
                day = self._archive.load_list(name)
            except EntryError as error:
                if rejections is not None:
                    rejections.add(name, error.code, str(error))
                continue
            for index, raw in enumerate(day):
                yield raw, channel, f"{name}[{index}]"

    def _parent(self, heard: Heard) -> str | None:
        """Return the external id of the post that a message answers; None when it is a post, an orphaned reply too."""
        if heard.thread is None or heard.thread not in self._threads.get(heard.channel.id, ()):
            return None
        return message_id(heard.channel, heard.thread)


def _message(heard: Heard, parent: str | None) -> Message:
    return Message(
        external_id=heard.external_id,
        post_external_id=parent,
        author=heard.author,
        body=heard.body,
        said_at=time_of(heard.micros),
        section=heard.channel.name,
        edited_at=None if heard.edited is None else time_of(heard.edited),
        attachments=heard.attachments,
        place=heard.place,
    )
