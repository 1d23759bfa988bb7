"""Slack exports of any size, made from a seed: the same arguments give the same messages.

By hand: `python tests/samples/synthetic_export.py FILE.zip --people 288 --messages 19418 --seed 1`.
"""

from __future__ import annotations

import argparse
import json
import random
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START = 1_483_228_800  # 2017-01-01 UTC
WORDS = (
    "community",
    "member",
    "hearth",
    "lesson",
    "今天",
    "topic",
    "morning",
    "question",
    "练习",
    "write",
    "speak",
    "listen",
    "方法",
    "answer",
    "share",
    "week",
    "谢谢",
    "welcome",
    "practice",
    "sentence",
    "grammar",
    "早安",
    "coffee",
    "method",
    "together",
    "read",
    "note",
    "&amp;",
    "idea",
    "资料",
    "plan",
)
EMOJI = ("+1", "heart", "tada", "joy", "eyes", "custom-one")


@dataclass(frozen=True)
class Size:
    """What a synthetic export holds."""

    members: int
    posts: int
    comments: int
    reactions: int


def build_synthetic(
    path: Path, *, people: int, messages: int, seed: int = 1, channels: int = 3, days: int = 365
) -> Size:
    """Write an export of so many people and messages over so many days; return what is in it.

    Few people say most of it, as in life; one in nine messages opens a thread, the others answer one of the latest.
    """
    dice = random.Random(seed)
    ids = [f"U{number:08d}" for number in range(people)]
    weights = [1 / (rank + 1) for rank in range(people)]
    authors = dice.choices(ids, weights, k=messages)
    times = sorted(dice.sample(range(days * 86_400), messages) if messages <= days * 86_400 else [])
    if len(times) < messages:
        raise ValueError("at most one message per second")
    files: dict[str, list[dict[str, Any]]] = defaultdict(list)
    threads: dict[int, list[str]] = defaultdict(list)
    posts = reactions = 0
    for author, second in zip(authors, times, strict=True):
        channel = dice.randrange(channels)
        ts = f"{START + second}.{dice.randrange(1_000_000):06d}"
        message: dict[str, Any] = {"type": "message", "user": author, "ts": ts}
        message["text"] = " ".join(dice.choices(WORDS, k=dice.randint(2, 30)))
        if dice.random() < 0.2:
            message["text"] = f"<@{dice.choice(ids)}> {message['text']}"
        if threads[channel] and dice.random() > 1 / 9:
            message["thread_ts"] = dice.choice(threads[channel][-20:])
        else:
            posts += 1
            threads[channel].append(ts)
        if dice.random() < 0.1:
            fans = dice.sample(ids, k=min(people, dice.randint(1, 4)))
            message["reactions"] = [{"name": dice.choice(EMOJI), "users": fans, "count": len(fans)}]
            reactions += len(fans)
        day = datetime.fromtimestamp(START + second, UTC).date()
        files[f"channel-{channel}/{day}.json"].append(message)
    users = [{"id": ident, "name": ident.lower(), "deleted": False, "is_bot": False} for ident in ids]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.json", json.dumps(users))
        listed = [{"id": f"C{number:08d}", "name": f"channel-{number}"} for number in range(channels)]
        archive.writestr("channels.json", json.dumps(listed))
        for name, content in files.items():
            archive.writestr(name, json.dumps(content, ensure_ascii=False))
    return Size(people, posts, messages - posts, reactions)


def build_double(path: Path, seed: int = 1) -> Size:
    """Write an export of twice the size of the year that Hearth is tried with: 288 people, 19,418 messages."""
    return build_synthetic(path, people=288, messages=19_418, seed=seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--people", type=int, default=144)
    parser.add_argument("--messages", type=int, default=9709)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(build_synthetic(asked.path, people=asked.people, messages=asked.messages, seed=asked.seed))  # noqa: T201 - a tool
