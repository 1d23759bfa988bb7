"""Two real workers, killed in the middle of their work again and again: each occurrence goes out once, and none is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.content.desk import Desk, make_desk

from chassis.embedded.nats import free_port
from chassis.embedded.process import wait_until
from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit
from contracts.content import DeliveryDelivered, PostPublished

pytestmark = pytest.mark.faults

SLOTS = 800
KILLS = 3
WAIT_SECONDS = 120.0


class Workers:
    """Two workers of content on the kit's database, whose clock is the real one."""

    def __init__(self, kit: Kit, cluster: Cluster, log: Path) -> None:
        self._kit = kit
        self._cluster = cluster
        self._log = log
        self._running = [self._start(), self._start()]

    def _start(self) -> subprocess.Popen[bytes]:
        told = {name: value for name, value in os.environ.items() if not name.startswith("HEARTH_")} | {
            "HEARTH_ENV": "test",
            "HEARTH_CONTENT_DATABASE_URL": self._kit.database.application,
            "HEARTH_CONTENT_WORKER_DATABASE_URL": self._kit.database.worker,
            "HEARTH_NATS_URL": self._cluster.nats.url("content"),
            "HEARTH_INTERNAL_PORT": str(free_port()),
            "HEARTH_DATABASE_CONNECTIONS": "4",
        }
        with self._log.open("ab") as out:
            return subprocess.Popen([sys.executable, "-m", "content", "worker"], env=told, stdout=out, stderr=out)

    def kill(self, which: int) -> None:
        """Kill one with SIGKILL, and start another in its place."""
        assert self._running[which].poll() is None, self._log.read_text()[-3000:]
        self._running[which].kill()
        self._running[which].wait(30)
        self._running[which] = self._start()

    def end(self) -> None:
        """End both."""
        for worker in self._running:
            worker.kill()
            worker.wait(30)


@contextmanager
def workers(kit: Kit, cluster: Cluster, log: Path) -> Iterator[Workers]:
    running = Workers(kit, cluster, log)
    try:
        yield running
    finally:
        running.end()


async def plan(desk: Desk) -> None:
    """Have as many slots, each with an item of its own, and all of them due now."""
    await desk.slot()
    place = desk.place.community
    await desk.kit.sql(
        """
        INSERT INTO slot SELECT gen_random_uuid(), organization_id, community_id, group_id, name, kind, theme_id, rrule, at, starts_on,
            zone, reckoned_zone, late_policy, tolerance_seconds, notice_hours, fallback_item_id, created_by, created_at, retired_at, 1
        FROM slot, generate_series(2, $2) WHERE community_id = $1
        """,
        place,
        SLOTS,
    )
    await desk.kit.sql(
        """
        INSERT INTO item (id, organization_id, community_id, kind, body, section, state, author_id, created_at, updated_at, version)
        SELECT gen_random_uuid(), organization_id, community_id, 'greeting', id::text, 'greetings', 'ready', created_by, now(), now(), 1
        FROM slot WHERE community_id = $1
        """,
        place,
    )
    await desk.kit.sql(
        """
        INSERT INTO slot_occurrence (id, organization_id, community_id, slot_id, on_date, due_at, state, item_id, notice_at, version)
        SELECT gen_random_uuid(), slot.organization_id, slot.community_id, slot.id, '2026-01-01', now(), 'open', item.id, now(), 1
        FROM slot JOIN item ON item.body = slot.id::text WHERE slot.community_id = $1
        """,
        place,
    )
    await desk.kit.sql(
        "INSERT INTO due_work (organization_id, kind, key, due_at) "
        "SELECT $1, 'occurrences.settle', lane::text, now() FROM generate_series(1, 2) AS lane",
        desk.place.organization,
    )


async def test_workers_killed_in_the_middle_of_delivering_deliver_everything_once(
    kit: Kit, cluster: Cluster, tmp_path: Path
) -> None:
    desk = await make_desk(kit)
    await plan(desk)
    log = tmp_path / "workers.log"

    def ask(question: str) -> str:
        return cluster.postgres.psql(question, database=kit.database.name).strip()

    def publishing() -> bool:
        """Whether a worker has written posts that it has not yet committed."""
        return (
            ask(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'content_worker' "
                "AND query LIKE 'INSERT INTO post%' AND state <> 'idle'"
            )
            != "0"
        )

    counted = f"SELECT count(*) FROM delivery WHERE community_id = '{desk.place.community}'"
    with workers(kit, cluster, log) as running:
        for turn in range(KILLS):
            assert wait_until(publishing, WAIT_SECONDS), f"{turn}: {log.read_text()[-3000:]}"
            assert int(ask(counted)) < SLOTS, "all is delivered before all the kills: have more due"
            running.kill(turn % 2)
        assert wait_until(lambda: int(ask(counted)) == SLOTS, WAIT_SECONDS), log.read_text()[-3000:]
    found = await desk.posts()
    assert len(found) == len({post["body"] for post in found}) == len({post["delivery_id"] for post in found}) == SLOTS
    for kind in (DeliveryDelivered, PostPublished):
        told = [e for e in await kit.events(kind) if e.community == desk.place.community]
        assert len(told) == SLOTS
    states = await kit.sql(
        "SELECT o.state, i.state AS item, d.state AS delivery, count(*) FROM slot_occurrence AS o JOIN item AS i ON i.id = o.item_id "
        "JOIN delivery AS d ON d.occurrence_id = o.id WHERE o.community_id = $1 GROUP BY 1, 2, 3",
        desk.place.community,
    )
    assert [tuple(row) for row in states] == [("taken", "delivered", "delivered", SLOTS)]
