"""The ledger: nothing is passed on that is not written down, many share a commit, and an outage refuses and loses nothing."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import timedelta

import pytest
from tests.gateway.calls.ledgers import call, open_ledger, rows, until

from chassis import clock
from chassis.clock import MovableClock
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.testing.kit import Kit
from gateway.calls import commands, policy
from gateway.calls.ledger import Ledger, Unconfigured

NOBODY = "postgresql://nobody:none@127.0.0.1:1/none"


async def test_a_call_is_written_down_when_it_begins_and_completed_when_it_ends(kit: Kit) -> None:
    organization = new_id()
    one = call(organization, delegated=True)
    async with open_ledger(kit.database.application) as ledger:
        await ledger.begin(one)
        [row] = await rows(kit, organization)
        assert dict(row) == asdict(one) | {"status": None, "milliseconds": None}
        ledger.end(one, 404, 12)

        async def completed() -> bool:
            [found] = await rows(kit, organization)
            return (found["status"], found["milliseconds"]) == (404, 12)

        await until(completed)


async def test_many_calls_share_a_commit(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    organizations = [new_id(), new_id()]
    calls = [call(organizations[number % 2]) for number in range(400)]
    written = []
    plain = Ledger._write_some

    async def counting(ledger: Ledger, *arguments: object) -> None:
        written.append(arguments)
        await plain(ledger, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Ledger, "_write_some", counting)
    async with open_ledger(kit.database.application) as ledger:
        await asyncio.gather(*(ledger.begin(one) for one in calls))
        for one in calls:
            ledger.end(one, 200, 1)
    assert len(written) <= 6
    for organization in organizations:
        found = await rows(kit, organization)
        assert {row["id"] for row in found} == {one.id for one in calls if one.organization_id == organization}
        # Closing the ledger has completed them.
        assert {row["status"] for row in found} == {200}


async def test_what_nobody_completed_stays_without_a_status(kit: Kit) -> None:
    organization = new_id()
    async with open_ledger(kit.database.application) as ledger:
        await ledger.begin(call(organization))
    [row] = await rows(kit, organization)
    assert (row["status"], row["milliseconds"]) == (None, None)


async def test_without_its_database_it_refuses(kit: Kit) -> None:
    async with open_ledger(NOBODY) as ledger:
        for refusing in (ledger, Unconfigured()):
            with pytest.raises(Problem) as refused:
                await refusing.begin(call(new_id()))
            assert (refused.value.status_code, refused.value.code) == (503, "audit-unavailable")
            assert int((refused.value.headers or {})["Retry-After"]) > 0
    assert kit.database.application != NOBODY


async def test_an_outage_refuses_some_and_then_everything_goes_on(kit: Kit) -> None:
    organization = new_id()
    async with open_ledger(kit.database.application) as ledger:
        first = call(organization)
        await ledger.begin(first)
        await kit.sql("ALTER TABLE client_call RENAME TO away")
        try:
            ledger.end(first, 200, 1)
            with pytest.raises(Problem, match="written down before"):
                await ledger.begin(call(organization))
        finally:
            await kit.sql("ALTER TABLE away RENAME TO client_call")
        await ledger.begin(call(organization))

        async def completed() -> bool:
            return [row["status"] for row in await rows(kit, organization)] == [200, None]

        await until(completed)


async def test_a_connection_that_was_cut_is_made_again_without_anybody_noticing(kit: Kit) -> None:
    organization = new_id()
    async with open_ledger(kit.database.application) as ledger:
        for number in range(3):
            await ledger.begin(call(organization))
            cut = await kit.sql(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = 'hearth-calls' AND datname = $1",
                kit.database.name,
            )
            assert cut, number
    assert len(await rows(kit, organization)) == 3


async def test_calls_are_kept_for_half_a_year(kit: Kit, movable_clock: MovableClock) -> None:
    organization, other = new_id(), new_id()
    async with open_ledger(kit.database.application) as ledger:
        await ledger.begin(call(other))
        for _ in range(2):
            await ledger.begin(call(organization))
            movable_clock.move(days=1)
    work = "SELECT due_at FROM due_work WHERE organization_id = $1 AND kind = $2"
    movable_clock.move(days=policy.KEPT_DAYS - 2)
    await kit.work()
    # What is exactly as old as that is kept.
    assert len(await rows(kit, organization)) == 2
    movable_clock.move(days=1)
    await kit.work()
    assert len(await rows(kit, organization)) == 1
    assert await rows(kit, other) == []
    [again] = await kit.sql(work, organization, commands.FORGET)
    assert again["due_at"] == clock.now() + commands.AGAIN_AFTER


async def test_old_calls_go_in_batches(kit: Kit, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    organization = new_id()
    monkeypatch.setattr(commands, "BATCH", 3)
    async with open_ledger(kit.database.application) as ledger:
        await asyncio.gather(*(ledger.begin(call(organization)) for _ in range(7)))
    movable_clock.move(seconds=timedelta(days=policy.KEPT_DAYS).total_seconds() + 1)
    assert await kit.work() >= 3
    assert await rows(kit, organization) == []


async def test_a_ledger_writes_as_the_tenant_of_the_call_and_sees_no_other(kit: Kit) -> None:
    """Were the setting not made before the policy is asked, nothing at all could be written."""
    mine, theirs = new_id(), new_id()
    async with open_ledger(kit.database.application) as ledger:
        await asyncio.gather(ledger.begin(call(mine)), ledger.begin(call(theirs)))
    counted = await kit.runtime.reader.json(mine, "SELECT json_agg(DISTINCT organization_id) FROM client_call")
    assert counted == f'["{mine}"]'.encode()
