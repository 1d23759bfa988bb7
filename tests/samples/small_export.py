"""A small Slack workspace export of our own, with everything in it that a real one may hold, and a hostile variant.

`build` and `build_hostile` write the zip and return what an import of it must report. By hand:
`python tests/samples/small_export.py small|hostile FILE.zip`.
"""

from __future__ import annotations

import json
import sys
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ALICE, BOB, CAROL, DAVE, EVE = "U0ALICE", "U0BOB", "U0CAROL", "U0DAVE", "U0EVE"
ROBOT = "U0ROBOT"
GENERAL, PROJECTS, RANDOM = "C0GENERAL", "C0PROJECTS", "C0RANDOM"
FIXED_DATE = (2024, 3, 20, 12, 0, 0)

ROOT = "1709510400.000100"  # Monday 2024-03-04 00:00 UTC, 08:00 in Shanghai
LATE = "1709510399.999999"  # a microsecond before: Sunday in UTC, Monday in Shanghai
THREAD_LATER = "1709600000.000200"


@dataclass(frozen=True)
class Expected:
    """What an import must count. `rejected` holds (place, code)."""

    members: int
    bots: int
    posts: int
    comments: int
    reactions: int
    orphans: int
    skipped: dict[str, int]
    rejected: list[tuple[str, str]] = field(default_factory=list)


def user(ident: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": ident,
        "name": name.lower(),
        "deleted": False,
        "is_bot": False,
        "profile": {"display_name": name},
        **more,
    }


def said(author: str | None, ts: str, text: str, **more: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"type": "message", "text": text, "ts": ts, **more}
    return message if author is None else {**message, "user": author}


USERS: list[dict[str, Any]] = [
    user(ALICE, "Alice", is_admin=True, is_owner=True),
    user(BOB, "", real_name="Bob 鲍勃"),
    user(CAROL, "Carol", deleted=True),
    user(DAVE, "Dave"),  # never says anything
    user(EVE, "Eve\u202e\n  the   second"),
    user(
        ROBOT,
        "Deploy Robot",
        is_bot=True,
        profile={"display_name": "", "real_name": "Deploy Robot", "bot_id": "B0ROBOT"},
    ),
]

CHANNELS: list[dict[str, Any]] = [
    {"id": GENERAL, "name": "general", "created": 1709000000, "members": [ALICE, BOB]},
    {"id": PROJECTS, "name": "项目", "created": 1709000000},
    {"id": RANDOM, "name": "random", "is_archived": True},
    {"id": "C0EMPTY", "name": "empty"},
]

GENERAL_MARCH_3: list[Any] = [
    said(BOB, "1709450000.000000", "<@U0BOB> has joined the channel", subtype="channel_join"),
    said(CAROL, "1709450001.000000", "<@U0CAROL> has left", subtype="channel_leave"),
    said(ALICE, "1709450002.000000", "set the channel topic: news", subtype="channel_topic", topic="news"),
    said(ALICE, "1709450003.000000", "set the purpose", subtype="channel_purpose"),
    said(ALICE, "1709450004.000000", "renamed", subtype="channel_name"),
    said(ALICE, LATE, "Sunday here, Monday there &amp; <!here> &lt;b&gt;"),
    # answers something that comes only below, and something that comes in a later file
    said(BOB, "1709510500.000200", "first!", thread_ts=ROOT, parent_user_id=ALICE),
    said(EVE, "1709510501.000000", "too early", thread_ts=THREAD_LATER),
]
GENERAL_MARCH_4: list[Any] = [
    said(
        ALICE,
        ROOT,
        "Hello <@U0BOB> and <@U0CAROL|carol>, <@U0GONE>! See <https://example.org/a_(b)?x=1&amp;y=2|the [docs]> in <#C0PROJECTS|项目>.",
        thread_ts=ROOT,
        reply_count=3,
        edited={"user": ALICE, "ts": "1709510460.000000"},
        reactions=[
            {"name": "+1::skin-tone-3", "users": [BOB, CAROL], "count": 2},
            {"name": "+1", "users": [BOB], "count": 1},  # the same thumb in another skin
            {"name": "party-parrot", "users": [BOB, EVE], "count": 2},
        ],
    ),
    said(
        CAROL,
        "1709510600.000300",
        "also sent to the channel",
        subtype="thread_broadcast",
        thread_ts=ROOT,
        root={"ts": ROOT},
        reactions=[{"name": "tada", "users": [ALICE], "count": 1}],
    ),
    said(EVE, "1709510700.000400", "waves", subtype="me_message"),
    said(None, "1709510800.000500", "Build 12 passed", subtype="bot_message", bot_id="B0HOOK", username="Build bot"),
    said(ROBOT, "1709510900.000600", "Deployed", bot_id="B0ROBOT"),
    said(None, "1709511000.000700", "Deployed again", subtype="bot_message", bot_id="B0ROBOT", thread_ts=ROOT),
    said("USLACKBOT", "1709511100.000800", "Reminder: stand-up", subtype="reminder_add"),
    said("USLACKBOT", "1709511101.000800", "I am Slackbot"),
    said(
        None,
        "1709511200.000900",
        "",
        subtype="bot_message",
        bot_id="B0HOOK",
        attachments=[{"fallback": "Build 13 failed"}],
    ),
    said(BOB, "1709511300.001000", "pinned", subtype="pinned_item"),
    said(
        BOB,
        "1709511400.001100",
        "This message was deleted.",
        subtype="tombstone",
        hidden=True,
        thread_ts="1709511400.001100",
    ),
    said(EVE, "1709511500.001200", "an answer to what was deleted", thread_ts="1709511400.001100"),
    said(EVE, "1709511600.001300", "an answer to what was never exported", thread_ts="1709000000.000001"),
]
GENERAL_MARCH_5: list[Any] = [
    said(
        BOB, THREAD_LATER, "A thread whose first answer is older\nand whose code is `a &lt; b`", thread_ts=THREAD_LATER
    ),
]
GENERAL_MARCH_20: list[Any] = [
    said(ALICE, "1710892800.000000", "Back after a week of silence"),
    said(BOB, "1710892900.000000", ""),  # says nothing at all
]
PROJECTS_MARCH_4: list[Any] = [
    # the same ts as in another channel is another message
    said(BOB, ROOT, "另一个频道的同一时刻"),
    said(
        EVE,
        "1709512000.000000",
        "",
        subtype="file_share",
        files=[
            {
                "name": "plan.pdf",
                "mimetype": "application/pdf",
                "size": 12345,
                "url_private": "https://files.slack.com/files-pri/T0-F0/plan.pdf?t=xoxe-secret&x=1",
            },
            {"title": "Sketch", "mimetype": "image/png", "size": 5, "url_private": "http://example.org/sketch.png"},
            {"id": "F0GONE", "mode": "tombstone"},
        ],
    ),
    said(BOB, "1709512100.000000", "nice", thread_ts="1709512000.000000"),
    said(BOB, "1709512200.000000", "archived", subtype="channel_archive"),
    {"type": "canvas", "ts": "1709512300.000000"},
]
RANDOM_MARCH_11: list[Any] = [said(BOB, "1710115200.000000", "A quiet Monday")]
LONELY_MARCH_12: list[Any] = [said(EVE, "1710201600.000000", "This channel is in no list")]
SECRET: list[Any] = [said(ALICE, "1709512400.000000", "nobody else's business")]

SKIPPED = {
    "channel_join": 1,
    "channel_leave": 1,
    "channel_topic": 1,
    "channel_purpose": 1,
    "channel_name": 1,
    "channel_archive": 1,
    "reminder_add": 1,
    "pinned_item": 1,
    "hidden": 1,
    "empty": 1,
    "type_canvas": 1,
    "private_channel": 1,
    "direct_message": 1,
    "group_message": 1,
    "other_file": 1,
}

EXPECTED = Expected(
    members=8,  # six users, the build bot and Slackbot, who are not listed
    bots=3,
    posts=15,
    comments=5,
    reactions=5,
    orphans=2,
    skipped=SKIPPED,
)

FILES: dict[str, Any] = {
    "users.json": USERS,
    "channels.json": CHANNELS,
    "groups.json": [{"id": "G0BOARD", "name": "board"}],
    "dms.json": [{"id": "D0ALICEBOB", "members": [ALICE, BOB]}],
    "mpims.json": [{"id": "G0THREE", "name": "mpdm-alice--bob--eve-1"}],
    "integration_logs.json": [],
    # later files first, so that nobody relies on the order of the zip
    "general/2024-03-20.json": GENERAL_MARCH_20,
    "general/2024-03-05.json": GENERAL_MARCH_5,
    "general/2024-03-03.json": GENERAL_MARCH_3,
    "general/2024-03-04.json": GENERAL_MARCH_4,
    "general/canvas_in_the_conversation.json": [],
    "项目/2024-03-04.json": PROJECTS_MARCH_4,
    "random/2024-03-11.json": RANDOM_MARCH_11,
    "a lonely place/2024-03-12.json": LONELY_MARCH_12,
    "board/2024-03-04.json": SECRET,
    "D0ALICEBOB/2024-03-04.json": SECRET,
    "mpdm-alice--bob--eve-1/2024-03-04.json": SECRET,
}

HUGE = "x" * 10_000_000
ODD_DAY: list[Any] = [
    said(ALICE, "1709520000.000000", "a good one among bad ones \x00\x07\ud800 (cleaned)"),
    "not an object",
    None,
    said("U0STRANGER", "1709520001.000000", "who am I?"),
    said(None, "1709520002.000000", "nobody said this"),
    {"type": "message", "user": ALICE, "text": "no time"},
    said(ALICE, "yesterday", "bad time"),
    {"type": "message", "user": ALICE, "text": "a number for a time", "ts": 1709520003.000001},
    said(ALICE, "9999999999.000000", "from the future"),
    said(ALICE, "1709520004.000000", HUGE),
    said(ALICE, "1709520005.000000", ["text", "in", "a", "list"]),  # type: ignore[arg-type]  # the point of it
    said(ALICE, "1709520000.000000", "the time of another"),
    said(
        BOB,
        "1709520006.000000",
        "with odd reactions",
        reactions=[
            {"name": "+1", "users": ["U0STRANGER", BOB]},
            {"name": ["x"], "users": [BOB]},
            "wave",
            {"name": "ok"},
        ],
        edited="yes",
        files=[
            "a file",
            {"name": "../../etc/passwd", "size": -1, "mimetype": "a b", "url_private": "javascript:alert(1)"},
        ],
    ),
    said(BOB, "1709520007.000000", "an answer to a rejected message", thread_ts="1709520004.000000"),
    said(BOB, "1709520008.000000", "an answer to nonsense", thread_ts={"ts": 1}),
    said(BOB, "1709520009.000000", "an odd notice", subtype=["odd"]),
]
HOSTILE_NAMES = (
    "../escape/2024-03-04.json",
    "general/../../2024-03-04.json",
    "/etc/2024-03-04.json",
    "C:/windows/2024-03-04.json",
    "general\\2024-03-04.json",
    "gen\x00eral/2024-03-06.json",
    "gen\x1b[31meral/2024-03-06.json",
    "general//2024-03-06.json",
)

HOSTILE = replace(
    EXPECTED,
    posts=EXPECTED.posts + 4,
    reactions=EXPECTED.reactions + 1,
    orphans=EXPECTED.orphans + 2,
    skipped={**SKIPPED, "subtype_unknown": 1},
    rejected=[
        *(("unsafe name", "unsafe_name") for _ in HOSTILE_NAMES),
        ("general/2024-03-10.json", "too_large"),
        ("users.json[6]", "not_an_object"),
        ("users.json[7]", "bad_user_id"),
        ("users.json[8]", "duplicate_user"),
        ("users.json[9]", "bad_user_id"),
        ("channels.json[4]", "bad_channel"),
        ("channels.json[5]", "duplicate_channel"),
        ("channels.json[6]", "not_an_object"),
        ("general/2024-03-07.json", "broken_json"),
        ("general/2024-03-08.json", "not_a_list"),
        ("general/2024-03-09.json", "broken_json"),
        ("general/2024-03-11.json", "broken_json"),
        *(
            (f"general/2024-03-06.json[{index}]", code)
            for index, code in [
                (1, "not_an_object"),
                (2, "not_an_object"),
                (3, "unknown_user"),
                (4, "unknown_user"),
                (5, "missing_ts"),
                (6, "bad_ts"),
                (7, "bad_ts"),
                (8, "future_ts"),
                (9, "text_too_long"),
                (10, "bad_text"),
                (11, "duplicate_ts"),
            ]
        ),
        ("general/2024-03-06.json[12].reactions[0]", "unknown_user"),
        ("general/2024-03-06.json[12].reactions[1]", "bad_reaction"),
        ("general/2024-03-06.json[12].reactions[2]", "bad_reaction"),
        ("general/2024-03-06.json[12].reactions[3]", "bad_reaction"),
    ],
)


def build(path: Path, root: str = "") -> Expected:
    """Write the small export; `root` is a folder that everything is put into ("" or "name/")."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in FILES.items():
            _put(archive, root + name, json.dumps(content, ensure_ascii=False).encode())
    return EXPECTED


def build_hostile(path: Path) -> Expected:
    """Write the small export with everything wrong with it that we could think of."""
    files: dict[str, Any] = {**FILES, "general/2024-03-06.json": ODD_DAY, "general/2024-03-08.json": {"messages": []}}
    files["users.json"] = [*USERS, "a name", {"name": "no id"}, USERS[0], {"id": "../U1", "name": "path"}]
    files["channels.json"] = [*CHANNELS, {"id": "C0NONAME"}, CHANNELS[0], 7]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            _put(archive, name, json.dumps(content).encode())
        for name in HOSTILE_NAMES:
            _put(archive, name, json.dumps(SECRET).encode())
        _put(archive, "general/2024-03-07.json", b'[{"type": "message", "user": "U0ALICE", ')
        _put(archive, "general/2024-03-09.json", b"[" * 200_000)
        _put(archive, "general/2024-03-10.json", b" " * (20 * 1024 * 1024))
        _put(archive, "general/2024-03-11.json", b"\xff\xfe not text")
    return HOSTILE


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo("placeholder", FIXED_DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.filename = info.orig_filename = name  # set afterwards: the constructor would cut a hostile name short
    archive.writestr(info, content)


if __name__ == "__main__":
    {"small": build, "hostile": build_hostile}[sys.argv[1]](Path(sys.argv[2]))
