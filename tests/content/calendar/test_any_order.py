"""Whatever editors do in whatever order while time passes: every day of a slot is there once, and no item is lost or said twice."""

import random
from collections import Counter
from typing import Any

import pytest
from tests.content.conftest import if_match
from tests.content.desk import Desk

from chassis.clock import MovableClock

RULES = ("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=TU,FR", "FREQ=DAILY;INTERVAL=2", "FREQ=MONTHLY;BYMONTHDAY=3,4,5,6,7,8")
HOURS = ("00:00", "07:30", "12:30", "23:59")
ZONES = (None, "America/New_York", "Europe/Berlin", "Pacific/Kiritimati")
STEPS = 45


class Editors:
    """Acts at random; what is refused because of the state that things are in is part of it."""

    def __init__(self, desk: Desk, clock: MovableClock, seed: int) -> None:
        self.desk = desk
        self.clock = clock
        self.dice = random.Random(seed)
        self.items: list[str] = []
        self.refused: Counter[int] = Counter()

    async def _do(self, method: str, path: str, version: int, body: Any = None) -> None:
        answer = await self.desk.editor.request(
            method, f"{self.desk.path}/{path}", json=body, headers=if_match(version)
        )
        assert answer.status_code in {200, 409, 422}, answer.text
        self.refused[answer.status_code] += 1

    async def assign(self) -> None:
        if self.items and self.dice.random() < 0.4:
            item = self.dice.choice(self.items)
        else:
            item = (await self.desk.item(body=f"早 {len(self.items)}"))["id"]
            self.items.append(item)
        place = self.dice.choice((await self.desk.calendar())[:12])
        await self._do("PUT", f"occurrences/{place['id']}/filler", place["version"], {"item_id": item})

    async def clear(self) -> None:
        place = self.dice.choice((await self.desk.calendar())[:12])
        await self._do("DELETE", f"occurrences/{place['id']}/filler", place["version"])

    async def make_exception(self) -> None:
        place = self.dice.choice((await self.desk.calendar())[:12])
        later = self.clock().replace(hour=self.dice.randrange(24), minute=15)
        body = self.dice.choice(({"skipped": True}, {"skipped": False}, {"due_at": later.isoformat()}))
        await self._do("PATCH", f"occurrences/{place['id']}", place["version"], body)

    async def change_slot(self) -> None:
        listed = (await self.desk.editor.get(f"{self.desk.path}/slots")).json()["data"]
        slot = self.dice.choice(listed)
        body = self.dice.choice(
            (
                {"rrule": self.dice.choice(RULES)},
                {"at": self.dice.choice(HOURS)},
                {"zone": self.dice.choice(ZONES)},
                {"notice_hours": self.dice.randrange(1, 72)},
            )
        )
        await self._do("PATCH", f"slots/{slot['id']}", slot["version"], body)

    async def let_time_pass(self) -> None:
        self.clock.move(minutes=self.dice.choice((1, 37, 240, 1440)))
        await self.desk.kit.work()

    async def set_back(self) -> None:
        self.clock.move(minutes=-self.dice.choice((1, 45, 300)))
        await self.desk.kit.work()

    async def act(self) -> None:
        acts = (self.assign, self.assign, self.clear, self.make_exception, self.change_slot, self.let_time_pass)
        await self.dice.choice((*acts, self.let_time_pass, self.set_back))()


async def check(desk: Desk) -> None:
    """What must hold at any moment."""
    community = desk.place.community
    twice = await desk.kit.sql(
        "SELECT slot_id, on_date FROM slot_occurrence WHERE community_id = $1 GROUP BY 1, 2 HAVING count(*) > 1",
        community,
    )
    assert twice == []
    torn = await desk.kit.sql(
        "SELECT o.id FROM slot_occurrence AS o LEFT JOIN delivery AS d ON d.occurrence_id = o.id LEFT JOIN post AS p ON p.id = d.post_id "
        "WHERE o.community_id = $1 AND ((o.state = 'taken') <> (d.id IS NOT NULL) OR (d.state = 'delivered') <> (p.id IS NOT NULL))",
        community,
    )
    assert torn == []
    bodies = Counter(post["body"] for post in await desk.posts())
    assert set(bodies.values()) <= {1}, bodies
    astray = await desk.kit.sql(
        "SELECT item.id FROM item WHERE item.community_id = $1 AND (item.state = 'delivered') <> "
        "EXISTS (SELECT FROM delivery WHERE delivery.item_id = item.id AND delivery.state = 'delivered')",
        community,
    )
    assert astray == []


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_lost_or_said_twice(desk: Desk, movable_clock: MovableClock, seed: int) -> None:
    await desk.slot()
    await desk.slot(name={"en": "Night"}, at="23:45", zone="America/New_York", late_policy="skip")
    editors = Editors(desk, movable_clock, seed)
    for _ in range(STEPS):
        await editors.act()
        await check(desk)
    assert editors.refused[200] > STEPS / 4, "hardly anything that was tried was possible"
    # Time goes on: everything that waits goes out, and each item did once.
    waiting = {one["item_id"] for one in await desk.calendar(filling="filled")}
    movable_clock.move(days=120)
    await desk.kit.sql("UPDATE slot SET late_policy = 'deliver' WHERE community_id = $1", desk.place.community)
    await desk.kit.work()
    await check(desk)
    gone = await desk.kit.sql(
        "SELECT id FROM item WHERE community_id = $1 AND state = 'delivered'", desk.place.community
    )
    assert waiting <= {str(row["id"]) for row in gone}
    assert len(await desk.posts()) == len(gone) > 0
