"""Passwords: what they may be, lockouts, client addresses, and hashing beside the event loop."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Problem
from members.accounts.credentials import policy
from members.accounts.credentials.hashing import Hasher
from members.accounts.credentials.policy import ADDRESS, COMMON, IDENTITY, Failures, Limit

START = datetime(2026, 3, 2, tzinfo=UTC)
EMAIL = "lin@demo.example"


@given(st.text(min_size=10, max_size=128).filter(lambda p: len(set(p.casefold().strip())) > 2))
def test_any_long_enough_password_with_some_variety_is_allowed(password: str) -> None:
    if policy.normalise_password(password).casefold().strip() in COMMON:
        return
    expected = None if 10 <= len(policy.normalise_password(password)) <= 128 else "length"
    fault = policy.password_fault(password, EMAIL)
    assert (fault is None) == (expected is None)


@given(st.text(max_size=9), st.text(min_size=129, max_size=200, alphabet="abcdefgh"))
def test_a_password_is_neither_short_nor_endless(short: str, long: str) -> None:
    assert policy.password_fault(short, EMAIL) == ("password-too-short", "At least 10 characters.")
    assert policy.password_fault(long, EMAIL) == ("password-too-long", "At most 128 characters.")


@given(st.sampled_from(sorted(word for word in COMMON if len(word) >= 10)), st.booleans())
def test_a_common_password_is_refused_in_any_case(word: str, upper: bool) -> None:  # noqa: FBT001  drawn by hypothesis
    fault = policy.password_fault(word.upper() if upper else word, EMAIL)
    assert fault is not None
    assert fault[0] == "password-too-common"


def test_the_address_is_no_password_and_neither_is_one_letter() -> None:
    assert (policy.password_fault("Lin@Demo.Example", EMAIL) or ("",))[0] == "password-is-email"
    assert (policy.password_fault("aaaaaaaaaaaa", EMAIL) or ("",))[0] == "password-too-common"


def locks(limit: Limit, failures: int) -> list[int]:
    """Fail again and again, each time as soon as one may; return the seconds of each lockout."""
    known: Failures | None = None
    now, found = START, []
    for _ in range(failures):
        known = policy.after_failure(limit, known, now)
        wait = policy.locked_for(limit, known, now)
        found.append(wait)
        now += timedelta(seconds=wait)
    return found


def test_lockouts_double_up_to_a_quarter_of_an_hour() -> None:
    assert locks(IDENTITY, 12) == [0, 0, 0, 0, 60, 120, 240, 480, 900, 900, 900, 900]
    assert locks(ADDRESS, 52)[:49] == [0] * 49
    assert locks(ADDRESS, 52)[49:] == [60, 120, 240]


@given(st.lists(st.integers(min_value=0, max_value=5000), max_size=60), st.sampled_from([IDENTITY, ADDRESS]))
def test_lockouts_never_shrink_while_failures_go_on_and_are_bounded(gaps: list[int], limit: Limit) -> None:
    known: Failures | None = None
    now, before = START, 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        if policy.locked_for(limit, known, now):
            continue
        kept = policy.remembered(limit, known, now)
        known = policy.after_failure(limit, known, now)
        assert known.count == kept.count + 1
        assert known.counted_at <= now
        wait = policy.locked_for(limit, known, now)
        assert wait <= 900
        assert (wait > 0) == (known.count >= limit.free)
        if limit is IDENTITY:
            assert wait >= before
            before = wait


def test_an_identitys_failures_are_forgotten_after_a_day_and_an_addresss_fade() -> None:
    day = timedelta(hours=24)
    failed = Failures(9, START, START + timedelta(minutes=15))
    assert policy.after_failure(IDENTITY, failed, START + day).count == 1
    assert policy.after_failure(IDENTITY, failed, START + day - timedelta(seconds=1)).count == 10
    assert policy.remembered(ADDRESS, failed, START + timedelta(minutes=25)).count == 7
    # An office of people who mistype six times an hour, all day, is never locked out.
    known: Failures | None = None
    for tens in range(24 * 6):
        known = policy.after_failure(ADDRESS, known, START + timedelta(minutes=10 * tens))
        assert known.locked_until is None
        assert known.count <= 2


def test_a_clock_that_was_set_back_locks_nobody_out_for_longer() -> None:
    known = Failures(5, START, START + timedelta(minutes=1))
    assert policy.locked_for(IDENTITY, known, START - timedelta(days=3)) == 900


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ([], "192.0.2.1"),
        (["203.0.113.9"], "203.0.113.9"),
        (["10.0.0.1, 203.0.113.9"], "203.0.113.9"),
        (["10.0.0.1", "203.0.113.9"], "203.0.113.9"),
        (["1.2.3.4, 2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        (["[2001:db8:1:2::9]"], "2001:db8:1:2::/64"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["fe80::1%eth0"], "fe80::/64"),
        (["unknown"], "unknown"),
        ([" , "], "192.0.2.1"),
    ],
)
def test_only_the_last_hop_counts_as_the_client(forwarded: list[str], expected: str) -> None:
    assert policy.client_address("192.0.2.1", forwarded) == expected


def hasher(**changes: int) -> Hasher:
    return Hasher(**{"time_cost": 1, "memory_kib": 8, "threads": 1, "queue": 2, **changes})


async def test_a_hash_is_of_its_password_only() -> None:
    one = hasher()
    stored = await one.hash("caf\u0065\u0301 au lait 10")
    assert stored.startswith("$argon2id$")
    assert await one.verify(stored, "café au lait 10")
    assert not await one.verify(stored, "cafe au lait 10")
    assert not await one.verify(None, "café au lait 10")
    assert not await one.verify("no hash at all", "café au lait 10")


async def test_other_parameters_make_a_hash_outdated() -> None:
    stored = await hasher().hash("correct horse battery")
    assert not hasher().outdated(stored)
    assert hasher(time_cost=2).outdated(stored)
    assert await hasher(time_cost=2).verify(stored, "correct horse battery")


async def test_more_passwords_than_the_queue_holds_are_turned_away_at_once() -> None:
    one = hasher(queue=2)
    outcomes = await asyncio.gather(*(one.hash("correct horse battery") for _ in range(6)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert len(refused) == 3
    assert all(problem.status_code == 503 for problem in refused)
    assert (await one.hash("correct horse battery")).startswith("$argon2id$")


async def test_hashing_leaves_the_event_loop_free() -> None:
    slow = hasher(time_cost=2, memory_kib=64 * 1024)
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(slow.hash("correct horse battery"))
    started, ticks = loop.time(), 0
    while not task.done():
        await asyncio.sleep(0)
        ticks += 1
    assert ticks > 100, f"{ticks} turns of the loop in {loop.time() - started:.3f} s"
