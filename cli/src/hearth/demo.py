"""Fills the demo community with people and four weeks of conversation, through the import routes like any other source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from chassis import clock
from hearth.client import Client
from hearth.demo_texts import ENTRIES, PEOPLE, Entry
from hearth.intake import Intake, Item, Summary, item_of
from hearth.slack.text import rfc3339

SOURCE: Final = "demo"
ZONE: Final = ZoneInfo("Asia/Shanghai")
MENTION: Final = re.compile(r"\{([a-z]+)\}")


def load_demo(client: Client, community_id: str) -> Summary:
    """Bring the demo into a community, with times that end now; what is there already stays. Raises ApiError, ClientError."""
    now = clock.now()
    intake = Intake(client, community_id, SOURCE)
    intake.members(_people(now))
    intake.posts(_posts(intake, now))
    intake.comments(_comments(intake, now))
    intake.reactions(_reactions(intake))
    intake.settle_figures()
    return intake.summary


def moment_of(entry: Entry, now: datetime) -> datetime:
    """Return the instant of a post, counted back from the day it is now in the community's zone."""
    day = now.astimezone(ZONE).date() - timedelta(days=entry.days)
    return datetime.combine(day, time.fromisoformat(entry.time), ZONE)


def _person(key: str) -> str:
    return f"demo:person:{key}"


def _post(key: str) -> str:
    return f"demo:post:{key}"


def _people(now: datetime) -> Iterator[Item]:
    for person in PEOPLE:
        content = {
            "external_id": _person(person.key),
            "display_name": person.name,
            "bot": person.bot,
            "deleted": False,
            "joined_at": rfc3339(now - timedelta(days=person.days)),
        }
        yield item_of(f"person {person.key}", content)


def _posts(intake: Intake, now: datetime) -> Iterator[Item]:
    for entry in ENTRIES:
        content = {
            "external_id": _post(entry.key),
            "author_id": intake.accounts[_person(entry.author)],
            "body": _addressed(entry.body, intake),
            "published_at": rfc3339(moment_of(entry, now)),
            "section": entry.section,
        }
        yield item_of(f"post {entry.key}", content)


def _comments(intake: Intake, now: datetime) -> Iterator[Item]:
    for entry in ENTRIES:
        for number, reply in enumerate(entry.replies):
            # yesterday's late answers may not have been written yet
            moment = min(moment_of(entry, now) + timedelta(minutes=reply.minutes), now - timedelta(minutes=1))
            content = {
                "external_id": f"demo:comment:{entry.key}:{number}",
                "post_external_id": _post(entry.key),
                "author_id": intake.accounts[_person(reply.author)],
                "body": _addressed(reply.body, intake),
                "commented_at": rfc3339(moment),
            }
            yield item_of(f"comment {number} of {entry.key}", content)


def _reactions(intake: Intake) -> Iterator[Item]:
    for entry in ENTRIES:
        for emoji, keys in entry.reactions:
            for key in keys.split():
                content = {
                    "subject_external_id": _post(entry.key),
                    "author_id": intake.accounts[_person(key)],
                    "emoji": emoji,
                }
                yield item_of(f"reaction of {key} to {entry.key}", content)


def _addressed(body: str, intake: Intake) -> str:
    """Return a text whose `{key}` became mentions."""
    return MENTION.sub(lambda match: f"<@{intake.accounts[_person(match[1])]}>", body)
