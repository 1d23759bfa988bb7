"""One entry of a day file: somebody's words, a notice to skip, or something that is refused with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import HttpUrl, TypeAdapter

from hearth.slack.text import Mention, emoji_of, markdown_of, micros_of, one_line, ts_of
from hearth.slack.workspace import Channel, Workspace, mapping, user_id

MAX_TEXT_CHARS: Final = 100_000
MAX_RAW_CHARS: Final = 1_000_000
"""Longest text that is looked at; resolving its entities may make it shorter."""
TEXT_TOO_LONG: Final = "text_too_long"
MAX_FILES: Final = 50
MAX_FILE_NAME_CHARS: Final = 200
MAX_URL_CHARS: Final = 2000
MAX_FILE_BYTES: Final = 2**53
TOLERATED_FUTURE: Final = timedelta(minutes=5)

SPOKEN: Final = frozenset({"me_message", "file_share", "bot_message", "thread_broadcast", "reply_broadcast"})
"""Subtypes that are somebody's words; all others are notices of Slack."""
GONE: Final = ("tombstone", "hidden_by_limit")
"""Modes of a file that is not there any more."""
NAME: Final = re.compile(r"[a-z0-9_]{1,50}")
MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}")
HTTPS: Final = TypeAdapter(HttpUrl)
NO_THREAD: Final = 0
"""A thread that cannot exist: what claims to answer something unreadable answers nothing."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is known of a file; the file itself is not in an export. `size` in bytes."""

    name: str
    media_type: str | None
    size: int | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that was understood. `micros` is its time, `thread` that of the message it answers; None at top level."""

    channel: Channel
    micros: int
    thread: int | None
    author: str
    body: str
    edited: int | None
    attachments: tuple[Attachment, ...]
    reactions: Any
    place: str

    @property
    def external_id(self) -> str:
        """Its external id."""
        return message_id(self.channel, self.micros)


@dataclass(frozen=True, slots=True)
class Reaction:
    """Somebody's emoji on a message; Slack keeps no time of it."""

    subject_external_id: str
    author: str
    emoji: str
    place: str


class RefusedError(Exception):
    """This entry is rejected. `code` names why."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class Skip(Exception):  # noqa: N818 - a decision, not an error
    """This entry is nothing that anybody said; the message is the name under which it is counted."""


def message_id(channel: Channel, micros: int) -> str:
    """Return the external id of a message."""
    return f"slack:{channel.id}:{ts_of(micros)}"


def latest_micros(now: datetime) -> int:
    """Return the latest time that a message may have, allowing for clocks that run ahead."""
    return int((now + TOLERATED_FUTURE).timestamp()) * 1_000_000


def interpret(raw: object, channel: Channel, place: str, workspace: Workspace, mention: Mention, latest: int) -> Heard:
    """Return what an entry says. Raises Skip, RefusedError."""
    if not isinstance(raw, dict):
        raise RefusedError("not_an_object", f"a message was expected, found {type(raw).__name__}")
    _skip_notices(raw)
    micros = _time(raw.get("ts"), latest)
    files = attachments_of(raw)
    body = _body(raw, files, workspace, mention)
    author = workspace.author_of(raw, place)
    if author is None:
        user = raw.get("user")
        raise RefusedError("unknown_user", f"{user} is not in users.json" if user else "it names no user and no bot")
    answered = raw.get("thread_ts")
    thread = None if answered is None else micros_of(answered) or NO_THREAD
    edited = micros_of(mapping(raw.get("edited")).get("ts"))
    return Heard(
        channel=channel,
        micros=micros,
        thread=None if thread == micros else thread,
        author=author,
        body=body,
        edited=edited if edited is not None and micros <= edited <= latest else None,
        attachments=files,
        reactions=raw.get("reactions"),
        place=place,
    )


def reactions_to(heard: Heard, workspace: Workspace) -> Iterator[Reaction | tuple[str, str, str]]:
    """Yield the reactions to a message, each person's emoji once; for what is wrong with one (place, code, detail)."""
    if heard.reactions is None:
        return
    place = f"{heard.place}.reactions"
    if not isinstance(heard.reactions, list):
        yield place, "bad_reaction", "reactions are not a list"
        return
    given: set[tuple[str, str]] = set()
    for index, raw in enumerate(heard.reactions):
        name, users = mapping(raw).get("name"), mapping(raw).get("users")
        emoji = emoji_of(name) if isinstance(name, str) else None
        if emoji is None or not isinstance(users, list):
            yield f"{place}[{index}]", "bad_reaction", "a reaction needs a name and a list of users"
            continue
        for user in users:
            if not workspace.knows(user):
                yield f"{place}[{index}]", "unknown_user", f"{user} is not in users.json"
            elif (user, emoji) not in given:
                given.add((user, emoji))
                yield Reaction(heard.external_id, user_id(user), emoji, f"{place}[{index}]")


def attachments_of(raw: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """Return what a message says about its files; an address only when it is https, and without Slack's access token."""
    files = raw.get("files")
    listed = files if isinstance(files, list) else [raw.get("file")]
    present = [file for file in listed if isinstance(file, dict) and file.get("mode") not in GONE]
    return tuple(_attachment(file) for file in present[:MAX_FILES])


def _attachment(file: Mapping[str, Any]) -> Attachment:
    names = (
        one_line(name, MAX_FILE_NAME_CHARS) for name in (file.get("name"), file.get("title")) if isinstance(name, str)
    )
    media_type, size, url = file.get("mimetype"), file.get("size"), file.get("url_private")
    typed = isinstance(media_type, str) and MEDIA_TYPE.fullmatch(media_type)
    sized = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < MAX_FILE_BYTES
    return Attachment(
        name=next((name for name in names if name), "file"),
        media_type=media_type if typed else None,
        size=size if sized else None,
        url=_safe_url(url) if isinstance(url, str) else None,
    )


def _safe_url(url: str) -> str | None:
    """Return an address that may be kept: https, nothing hidden in it, and as strict as the API is about addresses."""
    if len(url) > MAX_URL_CHARS or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
        strict = HTTPS.validate_python(url)
    except ValueError:
        return None
    if parts.scheme != "https" or strict.username or strict.password:
        return None
    if strict.host == "slack.com" or (strict.host or "").endswith(".slack.com"):
        # an export's file addresses carry a token (t=xoxe-...) that opens the file to whoever has it
        query = urlencode([(key, value) for key, value in parse_qsl(parts.query) if key != "t"])
        return urlunsplit(parts._replace(query=query))
    return url


def _skip_notices(raw: Mapping[str, Any]) -> None:
    """Raise Skip for an entry that nobody said."""
    kind, subtype = raw.get("type", "message"), raw.get("subtype")
    if kind != "message":
        raise Skip(f"type_{kind}" if isinstance(kind, str) and NAME.fullmatch(kind) else "type_unknown")
    if raw.get("hidden") is True:
        raise Skip("hidden")
    if subtype is not None and not (isinstance(subtype, str) and subtype in SPOKEN):
        raise Skip(subtype if isinstance(subtype, str) and NAME.fullmatch(subtype) else "subtype_unknown")


def _time(ts: object, latest: int) -> int:
    if ts is None:
        raise RefusedError("missing_ts", "a message needs its time, ts")
    micros = micros_of(ts)
    if micros is None:
        raise RefusedError("bad_ts", f"{ts!r:.60} is not a Slack time such as 1514720290.000028")
    if micros > latest:
        raise RefusedError("future_ts", f"{ts} lies in the future")
    return micros


def _body(raw: Mapping[str, Any], files: tuple[Attachment, ...], workspace: Workspace, mention: Mention) -> str:
    text = raw.get("text")
    if text is not None and not isinstance(text, str):
        raise RefusedError("bad_text", f"text is not text but {type(text).__name__}")
    text = text or ""
    if len(text) <= MAX_RAW_CHARS:
        body = markdown_of(text, mention, workspace.channel_names)
        body = body or "\n".join(f"- {file.name}" for file in files)
        body = body or markdown_of(_unfurled(raw), mention, workspace.channel_names)
        if not body:
            raise Skip("empty")
        if len(body) <= MAX_TEXT_CHARS:
            return body
    raise RefusedError(TEXT_TOO_LONG, f"the text has {len(text)} characters; {MAX_TEXT_CHARS} are allowed")


def _unfurled(raw: Mapping[str, Any]) -> str:
    """Return the words of a message that has them in its attachments only, as bots like to write; at most the limit."""
    attachments = raw.get("attachments")
    words: list[str] = []
    for attachment in attachments if isinstance(attachments, list) else []:
        parts = [mapping(attachment).get(key) for key in ("pretext", "title", "text")]
        said = [part for part in parts if isinstance(part, str) and part]
        fallback = mapping(attachment).get("fallback")
        words.extend(said or ([fallback] if isinstance(fallback, str) else []))
    return "\n".join(words)[:MAX_TEXT_CHARS]
