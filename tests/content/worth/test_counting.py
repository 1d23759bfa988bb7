"""Figures equal a plain recount of everything that happened, whatever happened and however often it was told."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.content.conftest import if_match
from tests.content.worth.histories import History, begin

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from content.worth import commands, policy
from contracts.members import ErasureOrdered

# Clocks go forward in New York on 8 March, in Berlin on the 29th.
START = datetime(2026, 2, 20, 9, tzinfo=UTC)
ACTS = ("read", "read", "read", "save", "react", "comment", "answer", "take back", "order", "referral", "flip", "work")
STEP = st.tuples(
    st.sampled_from(ACTS),
    st.integers(0, 6),
    st.integers(0, 2),
    st.integers(0, 7),
    st.sampled_from((0, 1, 6, 20, 24, 40)),
)


async def play(history: History, steps: list[tuple[str, int, int, int, int]]) -> None:
    for _ in range(3):
        await history.come()
    await history.come(staff=True)
    await history.come(bot=True)
    await history.come(outsider=True)
    for author in range(2):
        await history.write(author)
    history.time.move(days=9)
    await history.come()  # a newcomer, without a habit for a week
    await history.write(3)
    sources = {kind: [new_id(), new_id()] for kind in ("order", "referral")}
    for act, who, post, number, hours in steps:
        history.time.move(hours=hours)
        if act in sources:
            to = post if number % 3 else None
            await history.give(act, sources[act][number % 2], to, who, counts=number % 4 > 0)
        elif act in {"read", "save", "react", "comment"}:
            await getattr(history, act)(who, post)
        else:
            await rarer(history, act, who, post, number)


async def rarer(history: History, act: str, who: int, post: int, number: int) -> None:
    match act:
        case "answer":
            await history.comment(who, post, answering=number)
        case "take back":
            await history.take_back(number)
        case "flip" if history.people[who].joined_at:
            history.people[who].staff = not history.people[who].staff
            await history.tell(who)
        case "work":
            await history.kit.work()


async def test_figures_equal_a_recount(kit: Kit, movable_clock: MovableClock) -> None:
    loop = asyncio.get_running_loop()

    async def live(zone: str, steps: list[tuple[str, int, int, int, int]]) -> None:
        movable_clock.instant = START
        history = await begin(kit, movable_clock, zone)
        await play(history, steps)
        await history.settle()
        await history.check()
        movable_clock.move(days=3)
        await history.settle()
        await history.check()
        left = await kit.sql("SELECT FROM worth_touch WHERE organization_id = $1", history.place.organization)
        assert left == []

    @settings(
        max_examples=40, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(
        st.sampled_from(("Asia/Shanghai", "America/New_York", "Europe/Berlin")), st.lists(STEP, min_size=8, max_size=30)
    )
    def many(zone: str, steps: list[tuple[str, int, int, int, int]]) -> None:
        asyncio.run_coroutine_threadsafe(live(zone, steps), loop).result()

    await asyncio.to_thread(many)


async def test_readers_who_come_back_more_often_than_their_habit(kit: Kit, movable_clock: MovableClock) -> None:
    movable_clock.instant = START
    history = await begin(kit, movable_clock)
    author, eager, lazy, late = [await history.come() for _ in range(4)]
    chat = await history.write(author)
    for _ in range(10):
        movable_clock.move(days=1)
        await history.comment(eager, chat)
    newcomer = await history.come()
    movable_clock.move(days=1)
    piece = await history.write(author)
    for reader in (eager, lazy, late, newcomer):
        await history.read(reader, piece)
    movable_clock.move(days=1)
    for reader in (eager, lazy, newcomer):
        await history.react(reader, chat)
    await history.settle()
    assert (await history.answer(piece))["figures"]["compared"] == 0, "the day after is not over"
    movable_clock.move(days=1)
    await history.settle()
    found = (await history.answer(piece))["figures"]
    # Members for 11 days: one was there on 10 of them, two on none. Who came a day ago has no habit yet.
    assert (found["readers"], found["compared"], found["returned"]) == (4, 3, 2)
    assert found["expected"] == float(round(Decimal(10) / 11, 6))
    assert found["uplift"] == round((2 - 10 / 11) / 3, 4)
    await history.check()


async def test_staff_bots_and_the_author_are_in_no_figure(kit: Kit, movable_clock: MovableClock) -> None:
    movable_clock.instant = START
    history = await begin(kit, movable_clock)
    author, reader, employee = [await history.come() for _ in range(3)]
    staff, bot, outsider = (
        await history.come(staff=True),
        await history.come(bot=True),
        await history.come(outsider=True),
    )
    movable_clock.move(days=10)
    piece = await history.write(author)
    for who in (author, reader, employee, staff, bot, outsider):
        await history.read(who, piece)
        await history.save(who, piece)
        await history.comment(who, piece)
        await history.comment(who, piece, answering=0)
        await history.give("order", new_id(), piece, who, counts=True)
        await history.give("referral", new_id(), piece, who, counts=True)
    movable_clock.move(days=1)
    await history.react(employee, piece)
    movable_clock.move(days=2)
    await history.settle()

    async def figures() -> tuple[list[int], float]:
        found = (await history.answer(piece))["figures"]
        people = ("readers", "saves", "discussants", "repliers", "compared", "referrals", "orders")
        assert found == history.worth(piece)
        return [found[name] for name in people], found["returned"]

    assert await figures() == ([2] * 7, 1)
    history.people[employee].staff = True
    await history.tell(employee)
    await history.settle()
    assert await figures() == ([1] * 7, 0), "whoever begins to work for the brand is left out of what is past too"
    history.people[employee].staff = history.people[staff].staff = False
    await history.tell(employee)
    await history.tell(staff)
    await history.settle()
    assert await figures() == ([3] * 7, 1)
    fresh = await history.write(author)
    await history.save(employee, fresh)
    await history.settle()
    assert (await history.answer(fresh))["figures"]["saves"] == 1
    history.people[employee].bot = True
    await history.tell(employee)
    await history.settle()
    await history.check()


async def test_whoever_is_erased_is_in_no_figure_any_more(kit: Kit, movable_clock: MovableClock) -> None:
    movable_clock.instant = START
    history = await begin(kit, movable_clock)
    author, reader, other = [await history.come() for _ in range(3)]
    movable_clock.move(days=10)
    piece = await history.write(author)
    for who in (reader, other):
        await history.read(who, piece)
        await history.save(who, piece)
        await history.comment(who, piece)
        await history.react(who, piece)
    movable_clock.move(days=3)
    await history.settle()
    assert [(await history.answer(piece))["figures"][name] for name in ("readers", "compared")] == [2, 2]
    account = history.people[reader].account
    order = ErasureOrdered(erasure_id=new_id(), account_id=account)
    await kit.deliver(envelope(order, history.place.organization, order.erasure_id))
    await history.settle()
    movable_clock.move(minutes=16)
    await history.settle()
    found = (await history.answer(piece))["figures"]
    assert [found[name] for name in ("readers", "saves", "discussants", "compared")] == [1, 1, 1, 1]
    for table in ("worth_touch", "worth_active_day", "worth_outsider", "worth_attribution"):
        assert await kit.sql(f"SELECT FROM {table} WHERE account_id = $1", account) == [], table


async def test_an_act_that_becomes_known_late_is_compared_again(kit: Kit, movable_clock: MovableClock) -> None:
    movable_clock.instant = START
    history = await begin(kit, movable_clock)
    author, reader = await history.come(), await history.come()
    movable_clock.move(days=10)
    piece = await history.write(author)
    await history.read(reader, piece)
    next_day = movable_clock() + timedelta(days=1)
    movable_clock.move(days=5)
    await history.settle()
    assert (await history.answer(piece))["figures"]["returned"] == 0
    # An import brings a comment of the day after.
    await kit.sql(
        "INSERT INTO comment (id, organization_id, community_id, post_id, author_id, body, commented_at, origin, source, external_id, version) "
        "VALUES (gen_random_uuid(), $1, $2, $3, $4, '同意', $5, 'import', 'slack', '1', 1)",
        history.place.organization,
        history.place.community,
        UUID(history.posts[piece][0]),
        history.people[reader].account,
        next_day,
    )
    await history.settle()
    found = (await history.answer(piece))["figures"]
    assert (found["compared"], found["returned"], found["discussants"]) == (1, 1, 1)


async def test_an_order_moves_and_is_taken_back(kit: Kit, movable_clock: MovableClock) -> None:
    history = await begin(kit, movable_clock)
    author, buyer = await history.come(), await history.come()
    staff = await history.come(staff=True)
    pieces = [await history.write(author), await history.write(author)]
    order, referral = new_id(), new_id()

    async def figures() -> list[tuple[int, int, float]]:
        await history.settle()
        found = [await history.answer(piece) for piece in pieces]
        return [(one["figures"]["orders"], one["figures"]["referrals"], one["points"]) for one in found]

    await history.give("order", order, pieces[0], buyer, counts=True)
    await history.give("referral", referral, pieces[0], buyer, counts=True)
    await history.give("order", new_id(), pieces[0], staff, counts=True)
    await history.give("order", new_id(), pieces[0], author, counts=True)
    await history.give("order", new_id(), None, buyer, counts=True)
    assert await figures() == [(1, 1, 40.0), (0, 0, 0.0)]
    await history.give("order", order, pieces[1], None, counts=True)
    assert await figures() == [(0, 1, 20.0), (1, 0, 20.0)], "put down to another piece, by a buyer whom nobody knows"
    await history.give("order", order, pieces[1], buyer, counts=False)
    await history.give("referral", referral, pieces[0], buyer, counts=False)
    assert await figures() == [(0, 0, 0.0), (0, 0, 0.0)]


async def test_a_batch_that_fails_loses_nothing(kit: Kit, movable_clock: MovableClock) -> None:
    history = await begin(kit, movable_clock)
    author, reader = await history.come(), await history.come()
    piece = await history.write(author)
    await history.settle()
    await history.read(reader, piece)
    touched = "SELECT count(*) FROM worth_touch WHERE organization_id = $1"
    [before] = await kit.sql(touched, history.place.organization)
    assert before[0] == 1
    # The figures cannot be kept: what was touched is not taken either, and is tried again.
    await kit.sql("ALTER TABLE worth ADD CONSTRAINT broken CHECK (readers = 0) NOT VALID")
    movable_clock.move(minutes=6)
    await kit.work()
    [after] = await kit.sql(touched, history.place.organization)
    assert (after[0], (await history.answer(piece))["figures"]["readers"]) == (1, 0)
    await kit.sql("ALTER TABLE worth DROP CONSTRAINT broken")
    await history.settle()
    assert (await history.answer(piece))["figures"]["readers"] == 1


async def test_what_is_not_known_yet_waits_for_its_community(kit: Kit, movable_clock: MovableClock) -> None:
    history = await begin(kit, movable_clock)
    author, reader = await history.come(), await history.come()
    piece = await history.write(author)
    await history.read(reader, piece)
    await kit.sql(
        "WITH gone AS (DELETE FROM standing_community WHERE community_id = $1 RETURNING *) "
        "INSERT INTO standing_community SELECT $2, organization_id, 'away', zone, state FROM gone",
        history.place.community,
        new_id(),
    )
    await history.settle()
    waiting = await kit.sql("SELECT FROM worth_touch WHERE community_id = $1", history.place.community)
    assert waiting
    await kit.sql(
        "UPDATE standing_community SET community_id = $1 WHERE organization_id = $2 AND slug = 'away'",
        history.place.community,
        history.place.organization,
    )
    await history.settle()
    await history.check()


async def test_whoever_reads_a_piece_makes_nobody_wait(kit: Kit, movable_clock: MovableClock) -> None:
    """Two readers whose transactions are open, and the worker counting: a lock that is waited for would end the test."""
    history = await begin(kit, movable_clock)
    author = await history.come()
    piece = UUID(history.posts[await history.write(author)][0])
    connections = [await asyncpg.connect(kit.database.application) for _ in range(2)]
    try:
        for connection in connections:
            await connection.execute("BEGIN; SET LOCAL lock_timeout = '3s'")
            await connection.execute(f"SET LOCAL hearth.organization_id = '{history.place.organization}'")
            await connection.execute(
                "INSERT INTO read_mark VALUES ($1, $2, $3, $4, now())",
                new_id(),
                piece,
                history.place.organization,
                history.place.community,
            )
        async with asyncio.timeout(10):
            movable_clock.move(minutes=6)
            await kit.work()
        for connection in connections:
            await connection.execute("COMMIT")
    finally:
        for connection in connections:
            await connection.close()
    await history.settle()
    rows = await kit.sql("SELECT FROM worth_outsider WHERE community_id = $1", history.place.community)
    assert len(rows) == 2, "both were seen after they had committed"


async def test_a_new_formula_scores_what_was_counted_before(kit: Kit, movable_clock: MovableClock) -> None:
    history = await begin(kit, movable_clock)
    author, reader = await history.come(), await history.come()
    piece = await history.write(author)
    await history.read(reader, piece)
    await history.settle()
    await kit.sql("UPDATE worth SET score_version = 0, points = 77 WHERE post_id = $1", UUID(history.posts[piece][0]))
    await history.settle()
    found = await history.answer(piece)
    assert (found["score_version"], found["points"]) == (policy.SCORE_VERSION, 1.0)


async def test_more_than_a_batch_is_counted_in_one_go(
    kit: Kit, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = await begin(kit, movable_clock)
    author = await history.come()
    pieces = [await history.write(author) for _ in range(5)]
    readers = [await history.come() for _ in range(3)]
    for reader in readers:
        for piece in pieces:
            await history.read(reader, piece)
    monkeypatch.setattr(commands, "BATCH", 4)
    movable_clock.move(minutes=6)
    await kit.work()
    await history.check()


async def test_a_comment_held_or_deleted_counts_no_more(kit: Kit, movable_clock: MovableClock) -> None:
    history = await begin(kit, movable_clock)
    author, one, other = [await history.come() for _ in range(3)]
    piece = await history.write(author)
    await history.comment(author, piece)
    await history.comment(one, piece)
    await history.comment(other, piece, answering=1)
    await history.comment(one, piece, answering=1)
    await history.settle()
    found = (await history.answer(piece))["figures"]
    assert (found["discussants"], found["repliers"]) == (2, 1), (
        "an author's words, and answers to oneself, are not counted"
    )
    gone = history.comments[2]
    url = f"{history.place.path}/comments/{gone.id}"
    assert (await history.client(gone.author).delete(url, headers=if_match(gone.version))).status_code == 204
    gone.shown = False
    await history.settle()
    assert (await history.answer(piece))["figures"]["discussants"] == 1
    await history.check()
