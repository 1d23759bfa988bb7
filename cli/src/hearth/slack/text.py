"""Slack's marked-up text as Markdown, its timestamps as times, its emoji names as emoji: pure functions over plain values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from hearth.slack.emoji import EMOJI

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROS: Final = 1_000_000

TIMESTAMP: Final = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,6}))?")
CODE: Final = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
TOKEN: Final = re.compile(r"<([^<>\n]+)>")
ENTITY: Final = re.compile(r"&(amp|lt|gt);")
ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">"}
TYPED_MENTION: Final = re.compile(r"<(?=@[0-9A-Fa-f-]{36}>)")
UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
URL: Final = re.compile(r"(?:https?|ftp|git|mailto|tel):\S+", re.IGNORECASE)
SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
SKIN_TONE: Final = re.compile(r"::skin-tone-[1-6]")
EMOJI_NAME: Final = re.compile(r"[\w'’&.()!+-]{1,100}")
MAX_EMOJI_NAME_CHARS: Final = 38
"""Of a custom emoji: what fits between the colons of the API's short codes; Slack allows 100."""

MENTION_MARK: Final = "\x01"
"""Stands for the < of a mention until the end; `clean` has removed any other."""
UNKNOWN_MENTION: Final = "@unknown"
UNKNOWN_CHANNEL: Final = "#unknown"

Mention = Callable[[str], str | None]
"""From a Slack user or bot id to an account id; None when nobody is known by it."""


def micros_of(ts: object) -> int | None:
    """Return a Slack ts ("1514720290.000028") as microseconds since 1970 (UTC); None when it is not one. No float is involved."""
    if not isinstance(ts, str) or (match := TIMESTAMP.fullmatch(ts)) is None:
        return None
    seconds, fraction = match.groups()
    return int(seconds) * MICROS + int((fraction or "").ljust(6, "0")) or None


def ts_of(micros: int) -> str:
    """Return the ts in Slack's own form, six digits after the point: the inverse of `micros_of`."""
    return f"{micros // MICROS}.{micros % MICROS:06d}"


def time_of(micros: int) -> datetime:
    """Return the UTC time of so many microseconds since 1970, exactly."""
    return EPOCH + timedelta(microseconds=micros)


def rfc3339(moment: datetime) -> str:
    """Return a UTC time as the API reads it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def clean(text: str) -> str:
    """Return text that can be stored: one kind of line end, no control characters but it and the tab, no halves of characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return SURROGATE.sub("\ufffd", UNPRINTABLE.sub("", text))


def one_line(text: str, limit: int) -> str:
    """Return text as one line of at most `limit` characters, without invisible marks that could turn a name around."""
    line = " ".join(clean(text).split())
    return "".join(
        char for char in line if unicodedata.category(char) not in {"Cf", "Zl", "Zp"} or char in "\u200c\u200d"
    )[:limit].strip()


def emoji_of(name: str) -> str | None:
    """Return the emoji of a Slack reaction name; `:name:` when it is a custom one; None when it is no name at all."""
    bare = SKIN_TONE.sub("", name)
    if EMOJI_NAME.fullmatch(bare) is None:
        return None
    return EMOJI.get(bare, f":{bare[:MAX_EMOJI_NAME_CHARS]}:")


def markdown_of(text: str, mention: Mention, channels: Mapping[str, str]) -> str:
    """Return Slack text as Markdown.

    A mention becomes `<@ACCOUNT_ID>` (or `@unknown`), a channel `#name`, `<!here>` `@here`, a link a Markdown link;
    `&amp;`, `&lt;` and `&gt;` are resolved once. Inside code a link becomes its plain address.
    """
    pieces = CODE.split(clean(text))
    whole = "".join(_segment(piece, mention, channels, code=bool(index % 2)) for index, piece in enumerate(pieces))
    # what somebody typed to look like a mention must not become one; the real ones still carry their marker here
    return TYPED_MENTION.sub("&lt;", whole).replace(MENTION_MARK, "<").strip()


def _segment(text: str, mention: Mention, channels: Mapping[str, str], *, code: bool) -> str:
    parts = TOKEN.split(text)
    return "".join(
        _token(part, mention, channels, code=code) if index % 2 else _plain(part) for index, part in enumerate(parts)
    )


def _plain(text: str) -> str:
    """Resolve Slack's three entities, once."""
    return ENTITY.sub(lambda match: ENTITIES[match[1]], text)


def _token(token: str, mention: Mention, channels: Mapping[str, str], *, code: bool) -> str:
    """Return what stands for `<token>`."""
    target, _, label = token.partition("|")
    label = _plain(label)
    if target.startswith("@"):
        account = mention(target[1:])
        return f"{MENTION_MARK}@{account}>" if account else UNKNOWN_MENTION
    if target.startswith("#"):
        name = label or channels.get(target[1:], "")
        return f"#{name}" if name else UNKNOWN_CHANNEL
    if target.startswith("!"):
        return _command(target[1:], label)
    if URL.fullmatch(target):
        return _link(_plain(target), label, code=code)
    if SCHEME.match(target):
        # an address that no browser should follow (javascript:, data:, ...) stays as words
        return label or _plain(target)
    return label or _plain(f"<{token}>")


def _command(command: str, label: str) -> str:
    """Return the words of `<!here>`, `<!subteam^S1|@group>`, `<!date^...|fallback>` and the like."""
    name, _, _ = command.partition("^")
    if name in {"here", "channel", "everyone"}:
        return f"@{name}"
    if label:
        return label
    return "@group" if name == "subteam" else f"@{_plain(name)}"


def _link(url: str, label: str, *, code: bool) -> str:
    if code:
        return url if not label or label in url else f"{label} ({url})"
    url = url.replace("<", "%3C").replace(">", "%3E").replace("\\", "%5C")
    if not label or label == url:
        return f"<{url}>"
    shown = label.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    # parentheses in an address would end the link early; angle brackets around it are Markdown's own way out
    address = f"<{url}>" if "(" in url or ")" in url else url
    return f"[{shown}]({address})"
