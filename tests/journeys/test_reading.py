"""What a member reads and is asked, over the real stack: the card with what comes next, unread counts, announcements with their receipts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.journeys.callers import Caller, Town, found_town
from tests.stack_fixture import LiveStack

REMINDED = "content.reminder.wanted.v1"


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Iterator[Town]:
    town = found_town(stack.base_url, zone="Asia/Shanghai")
    yield town
    town.close()


def post(town: Town, caller: Caller, body: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = caller.ask("POST", f"{town.path}/posts", {"body": body, **fields}, status=201).json()
    return made


def pin(town: Town, made: dict[str, Any], rank: int) -> None:
    town.owner.ask("PUT", f"{town.path}/posts/{made['id']}/pin", {"rank": rank}, version=made["version"])


def test_the_card_says_the_rules_and_what_comes_next_in_a_group_and_around_it(stack: LiveStack, town: Town) -> None:
    owner, path = town.owner, town.path
    inside, outside, visitor = town.member("yan"), town.member("wei"), town.newcomer("an")
    rules = [{"text": {"zh": "不发广告"}, "interpretation": {"zh": "课程链接也算。"}}]
    owner.ask("PATCH", f"{path}/card", {"rules": rules, "times": {"zh": "每天 7:30"}}, version=0)
    group = owner.ask("POST", f"{path}/groups", {"dimension": "interest", "name": {"zh": "口语角"}}, status=201).json()
    owner.ask("POST", f"{path}/groups/{group['id']}/members", {"account_ids": [inside.account_id]})
    owner.ask("PATCH", f"{path}/groups/{group['id']}/card", {"purpose": {"zh": "每天三句"}}, version=0)
    stack.drain()
    slot = {"name": {"zh": "口语时间"}, "kind": "daily_topic", "rrule": "FREQ=DAILY", "at": "20:00"}
    slot = owner.ask("POST", f"{path}/slots", slot | {"group_id": group["id"]}, status=201).json()
    asked = {"kind": "announcement", "title": "开营"}
    pin(town, post(town, owner, "周六开营", **asked), 1)
    pin(town, post(town, owner, "本组带上麦克风", **asked | {"group_id": group["id"], "title": "本组"}), 1)

    own = inside.get(f"{path}/groups/{group['id']}/card/page")
    assert own["card"]["purpose"] == {"zh": "每天三句"}
    assert own["community"]["rules"] == rules
    assert own["community"]["hosts"] == inside.get(f"{path}/card")["hosts"]
    assert own["programme"]["available"]
    assert own["programme"]["announcement"]["title"] == "本组"
    assert slot["id"] in {one["slot_id"] for one in own["programme"]["slots"]}
    assert own["programme"]["zone"] == "Asia/Shanghai"
    theirs = outside.get(f"{path}/groups/{group['id']}/card/page")
    assert theirs["programme"]["announcement"]["title"] == "开营"
    around = outside.get(f"{path}/card/page")
    assert around["card"]["rules"] == rules
    assert around["programme"]["announcement"]["title"] == "开营"
    assert around["programme"]["slots"]
    assert slot["id"] not in {one["slot_id"] for one in around["programme"]["slots"]}
    # Who is not in the community reads its card, and not what is said and planned in it.
    seen = visitor.get(f"{path}/card/page")
    assert (seen["card"]["rules"], seen["programme"]["available"]) == (rules, False)
    assert seen["programme"]["code"] == "forbidden"
    visitor.ask("GET", f"{path}/groups/{group['id']}/card/page", status=403)


def test_unread_is_counted_by_section_and_falls_with_each_batch_of_reads(stack: LiveStack, town: Town) -> None:
    author, reader = town.member("bo"), town.member("qi")
    stack.drain()

    def unread() -> dict[str, Any]:
        found: dict[str, Any] = reader.get(f"{town.path}/unread")
        return found

    before = unread()
    made = {
        section: [post(town, author, f"{section} {number}", section=section)["id"] for number in range(many)]
        for section, many in (("general", 3), ("每日打卡", 4), ("showcase", 2))
    }

    def left(counts: dict[str, int], section: str) -> int:
        return counts["sections"].get(section, 0) - before["sections"].get(section, 0)

    counts = unread()
    assert {section: left(counts, section) for section in made} == {"general": 3, "每日打卡": 4, "showcase": 2}
    assert (counts["total"] - before["total"], counts["capped"]) == (9, False)
    for section, ids in made.items():
        listed = reader.all(f"{town.path}/feed", section=section, unread="true")
        assert {one["id"] for one in listed} >= set(ids)
    batch = made["general"][:2] + made["每日打卡"]
    assert reader.ask("POST", f"{town.path}/reads", {"post_ids": batch}).json() == {"marked": 6}
    counts = unread()
    assert {section: left(counts, section) for section in made} == {"general": 1, "每日打卡": 0, "showcase": 2}
    assert "每日打卡" not in counts["sections"]
    # What was read before is read once.
    rest = made["general"] + made["showcase"]
    assert reader.ask("POST", f"{town.path}/reads", {"post_ids": rest}).json() == {"marked": 3}
    assert reader.ask("POST", f"{town.path}/reads", {"post_ids": rest}).json() == {"marked": 0}
    assert unread()["sections"] == before["sections"]
    assert author.get(f"{town.path}/unread")["sections"] == before["sections"]


def test_who_has_not_acknowledged_an_announcement_is_reminded(stack: LiveStack, town: Town) -> None:
    owner = town.owner
    first, second, third = (town.member(name) for name in ("ma", "hu", "su"))
    stack.drain()
    asked = {"kind": "announcement", "title": "新规则", "acknowledge": True}
    made = post(town, owner, "请确认", **asked)
    path = f"{town.path}/posts/{made['id']}"
    first.ask("PUT", f"{path}/acknowledgement")

    figures = owner.get(f"{path}/acknowledgements/figures")
    assert (figures["acknowledged"], figures["outstanding"]) == (1, figures["asked"] - 1)
    has = owner.all(f"{path}/acknowledgements", acknowledged="true")
    assert [one["account_id"] for one in has] == [first.account_id]
    lacks = {one["account_id"] for one in owner.all(f"{path}/acknowledgements", acknowledged="false")}
    assert lacks >= {second.account_id, third.account_id}
    assert len(lacks) == figures["outstanding"]
    assert first.account_id not in lacks
    first.ask("GET", f"{path}/acknowledgements", status=403)
    first.ask("POST", f"{path}/reminders", status=403)

    reminding = owner.ask("POST", f"{path}/reminders", status=202).json()
    stack.drain()
    [done] = owner.all(f"{path}/reminders")
    assert (done["id"], done["reminded"]) == (reminding["id"], len(lacks))
    assert done["finished_at"] is not None
    told = [one for one in stack.stream("content") if one.type == REMINDED and one.data["post_id"] == made["id"]]
    assert {one.data["account_id"] for one in told} == lacks
    assert len(told) == len(lacks)
    assert {str(one.actor) for one in told} == {owner.account_id}
    again = owner.ask("POST", f"{path}/reminders", status=409).json()
    assert again["type"] == "urn:hearth:problem:reminder-recent"
