"""A community's pulse straight from a Slack export, in plain Python: shares no code with the product, on purpose.

By hand: `python tests/journeys/independent_pulse.py FILE.zip [ZONE]` prints the document that `hearth pulse --json` must print.

A person is active on a day of the zone when they posted or commented on it. Of a week's active people: new, first activity
ever; returning, active the week before too; resurrected, active earlier but not the week before. Dormant: active the week
before, not this one. Members are the people who are no bots and have not left; who left stays in the weeks of their time.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

WORDS = {None, "me_message", "file_share", "bot_message", "thread_broadcast", "reply_broadcast"}


def independent_pulse(path: Path, zone: str = "UTC") -> dict[str, Any]:
    """Return the pulse of everything that an export holds."""
    with zipfile.ZipFile(path) as archive:
        root = min((name for name in archive.namelist() if name.split("/")[-1] == "users.json"), key=len)[
            : -len("users.json")
        ]
        users = [
            user for user in json.loads(archive.read(root + "users.json")) if isinstance(user, dict) and "id" in user
        ]
        people = {user["id"] for user in users if not user.get("is_bot") and re.fullmatch(r"[\w-]+", user["id"])}
        left = {user["id"] for user in users if user.get("deleted")}
        said = {
            (folder, message["ts"]): message["user"]
            for folder, message in _messages(archive, root)
            if _is_said(message) and message["user"] in people
        }
    active_days = {
        (person, datetime.fromtimestamp(int(ts.split(".")[0]), ZoneInfo(zone)).date())
        for (_, ts), person in said.items()
    }
    return {
        "zone": zone,
        "members": len(people - left),
        "never_active": len(people - left - {person for person, _ in active_days}),
        "member_days": len(active_days),
        "weeks": _weeks(active_days),
    }


def _messages(archive: zipfile.ZipFile, root: str) -> Iterator[tuple[str, Any]]:
    """Yield the entries of all public channels with their folder, the last of each file first: of equal times the first counts."""
    private = set[str]()
    for name in ("groups.json", "dms.json", "mpims.json"):
        if root + name in archive.namelist():
            for group in json.loads(archive.read(root + name)):
                private |= {group["id"], group.get("name", group["id"])}
    for name in archive.namelist():
        match = re.fullmatch(re.escape(root) + r"([^/\\:]+)/\d{4}-\d\d-\d\d\.json", name)
        if match and name.isprintable() and match[1] != ".." and match[1] not in private:
            yield from ((match[1], message) for message in reversed(_entries(archive, name)))


def _entries(archive: zipfile.ZipFile, name: str) -> list[Any]:
    try:
        content = json.loads(archive.read(name))
    except (ValueError, RecursionError):
        return []
    return content if isinstance(content, list) else []


def _is_said(message: Any) -> bool:
    if not isinstance(message, dict) or message.get("type") != "message" or message.get("hidden"):
        return False
    subtype, text, ts = message.get("subtype"), message.get("text"), message.get("ts")
    if not isinstance(subtype, str | None) or subtype not in WORDS or not isinstance(text, str) or len(text) > 100_000:
        return False
    if not isinstance(ts, str) or not re.fullmatch(r"\d+\.\d{6}", ts) or not isinstance(message.get("user"), str):
        return False
    by_bot = subtype == "bot_message" and message.get("bot_id")
    in_future = int(ts.split(".")[0]) > 4_000_000_000
    return not by_bot and not in_future and bool(text.strip() or message.get("files"))


def _weeks(active_days: set[tuple[str, date]]) -> list[dict[str, Any]]:
    by_monday: dict[date, set[str]] = {}
    for person, day in active_days:
        by_monday.setdefault(day - timedelta(days=day.weekday()), set()).add(person)
    weeks: list[dict[str, Any]] = []
    before, ever = set[str](), set[str]()
    monday = min(by_monday, default=date.max)
    while by_monday and monday <= max(by_monday):
        active = by_monday.get(monday, set())
        year, week, _ = monday.isocalendar()
        weeks.append(
            {
                "week": f"{year}-W{week:02d}",
                "active": len(active),
                "new": len(active - ever),
                "returning": len(active & before),
                "resurrected": len((active & ever) - before),
                "dormant": len(before - active),
            }
        )
        ever |= active
        before = active
        monday += timedelta(days=7)
    return weeks


if __name__ == "__main__":
    print(json.dumps(independent_pulse(Path(sys.argv[1]), *sys.argv[2:3]), indent=2))  # noqa: T201 - a tool
