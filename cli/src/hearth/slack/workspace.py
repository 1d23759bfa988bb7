"""Who is in an export and where they talk: users.json, channels.json, and the private conversations that stay out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hearth.slack.archive import USERS, Archive, EntryError, ExportError, Rejections
from hearth.slack.text import one_line

CHANNELS: Final = "channels.json"
PRIVATE: Final = {"groups.json": "private_channel", "mpims.json": "group_message", "dms.json": "direct_message"}
"""Lists of conversations that were never public, and the name under which each is counted as skipped."""

MAX_NAME_CHARS: Final = 80
SLACKBOT: Final = "USLACKBOT"
IDENT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.json")
DIRECT_FOLDER: Final = re.compile(r"D[A-Z0-9]{7,}|mpdm-.*")
"""Folders of direct messages, also when their list is missing."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the workspace, or a bot that spoke in it."""

    external_id: str
    display_name: str
    bot: bool
    deleted: bool
    place: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A public channel."""

    id: str
    name: str


def user_id(ident: str) -> str:
    """Return the external id of a Slack user."""
    return f"slack:{ident}"


def bot_id(ident: str) -> str:
    """Return the external id of a bot that is no user."""
    return f"slack:bot:{ident}"


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object, empty when the value is something else."""
    return value if isinstance(value, dict) else {}


class Workspace:
    """The people and channels of an export. Raises ExportError when its users cannot be read."""

    def __init__(self, archive: Archive, rejections: Rejections) -> None:
        self._archive = archive
        self._rejections = rejections
        self._users: dict[str, Person] = {}
        self._bots: dict[str, Person] = {}
        self._users_of_bots: dict[str, str] = {}
        self._read_users()
        self._private: dict[str, str] = {}
        self._privacy_known = True
        self._read_private()
        self._channels: dict[str, Channel] = {}
        self._read_channels()
        self.channel_names: Mapping[str, str] = {channel.id: channel.name for channel in self._channels.values()}
        """Channel id to name."""

    def people(self) -> list[Person]:
        """Return the users and then the bots that spoke, each once."""
        return [*self._users.values(), *self._bots.values()]

    def knows(self, user: object) -> bool:
        """Return whether a user id is in users.json."""
        return isinstance(user, str) and user in self._users

    def author_of(self, raw: Mapping[str, Any], place: str) -> str | None:
        """Return the external id of who wrote a message, noting a bot that is met for the first time; None when unknown."""
        user, bot = raw.get("user"), raw.get("bot_id")
        by_bot = isinstance(bot, str) and IDENT.fullmatch(bot) is not None
        if isinstance(user, str) and user in self._users and not (by_bot and raw.get("subtype") == "bot_message"):
            return user_id(user)
        if isinstance(bot, str) and by_bot:
            if bot in self._users_of_bots:
                return user_id(self._users_of_bots[bot])
            name = raw.get("username") or mapping(raw.get("bot_profile")).get("name")
            shown = one_line(name, MAX_NAME_CHARS) if isinstance(name, str) else ""
            return self._note_bot(bot_id(bot), shown or f"Bot {bot}", place)
        if user == SLACKBOT:
            # it writes without being listed
            return self._note_bot(user_id(SLACKBOT), "Slackbot", place)
        return None

    def days(self, skipped: Counter[str]) -> list[tuple[str, Channel]]:
        """Return the day files of the public channels, in a fixed order; count in `skipped` what stays out."""
        folders: dict[str, list[str]] = {}
        for name in sorted(self._archive.names):
            folder, slash, _ = name.partition("/")
            if slash:
                folders.setdefault(folder, []).append(name)
        days: list[tuple[str, Channel]] = []
        for folder, names in folders.items():
            private = self._private.get(folder)
            if private is None and folder not in self._channels and DIRECT_FOLDER.fullmatch(folder):
                private = "direct_message"
            if private is not None:
                skipped[private] += 1
            elif folder not in self._channels and not self._privacy_known:
                reason = "it may be private: a list of private conversations cannot be read"
                self._rejections.add(folder, "unlisted_channel", reason)
            else:
                unlisted = Channel(one_line(folder, 64), one_line(folder, MAX_NAME_CHARS))
                channel = self._channels.get(folder, unlisted)
                dated = [name for name in names if DAY.fullmatch(name.partition("/")[2])]
                days.extend((name, channel) for name in dated)
                if len(dated) < len(names):
                    skipped["other_file"] += len(names) - len(dated)
        return days

    def _note_bot(self, external_id: str, name: str, place: str) -> str:
        self._bots.setdefault(external_id, Person(external_id, name, bot=True, deleted=False, place=place))
        return external_id

    def _read_users(self) -> None:
        if USERS not in self._archive.names:
            raise ExportError("not_an_export", f"{USERS} cannot be read")
        try:
            users = self._archive.load_list(USERS)
        except EntryError as error:
            raise ExportError(error.code, f"{USERS}: {error}") from error
        for raw, place in self._objects(USERS, users):
            ident = raw.get("id")
            if not isinstance(ident, str) or IDENT.fullmatch(ident) is None:
                self._rejections.add(place, "bad_user_id", "a user needs an id of letters and digits")
                continue
            if ident in self._users:
                self._rejections.add(place, "duplicate_user", f"{ident} is listed already; the first one counts")
                continue
            bot = raw.get("is_bot") is True or ident == SLACKBOT
            deleted = raw.get("deleted") is True
            self._users[ident] = Person(user_id(ident), _display_name(raw) or ident, bot, deleted, place)
            own_bot = mapping(raw.get("profile")).get("bot_id")
            if bot and isinstance(own_bot, str):
                self._users_of_bots[own_bot] = ident

    def _read_private(self) -> None:
        for name, kind in PRIVATE.items():
            try:
                listed = self._archive.load_list(name) if name in self._archive.names else []
            except EntryError as error:
                self._rejections.add(name, error.code, str(error))
                self._privacy_known = False
                continue
            for raw, _ in self._objects(name, listed):
                self._private.update({raw[key]: kind for key in ("id", "name") if isinstance(raw.get(key), str)})

    def _read_channels(self) -> None:
        try:
            listed = self._archive.load_list(CHANNELS) if CHANNELS in self._archive.names else []
        except EntryError as error:
            self._rejections.add(CHANNELS, error.code, str(error))
            return
        by_id: dict[str, Channel] = {}
        for raw, place in self._objects(CHANNELS, listed):
            ident, name = raw.get("id"), raw.get("name")
            if not isinstance(ident, str) or IDENT.fullmatch(ident) is None or not isinstance(name, str) or not name:
                self._rejections.add(place, "bad_channel", "a channel needs an id and a name")
            elif ident in by_id or name in self._channels:
                self._rejections.add(place, "duplicate_channel", f"{name} ({ident}) is listed already")
            else:
                by_id[ident] = self._channels[name] = Channel(ident, one_line(name, MAX_NAME_CHARS) or ident)
        # some exports name a channel's folder by its id
        self._channels = {**by_id, **self._channels}

    def _objects(self, file: str, listed: list[Any]) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield the JSON objects of a list with their places; note whatever else is in it."""
        for index, raw in enumerate(listed):
            place = f"{file}[{index}]"
            if isinstance(raw, dict):
                yield raw, place
            else:
                self._rejections.add(place, "not_an_object", f"an object was expected, found {type(raw).__name__}")


def _display_name(raw: Mapping[str, Any]) -> str:
    """Return the name that people know somebody by; empty when there is none."""
    profile = mapping(raw.get("profile"))
    names = (profile.get("display_name"), raw.get("real_name"), profile.get("real_name"), raw.get("name"))
    shown = (one_line(name, MAX_NAME_CHARS) for name in names if isinstance(name, str))
    return next((name for name in shown if name), "")
