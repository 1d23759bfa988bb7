"""What an occurrence is, what becomes of it, and whether something late still goes out: over every state."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from content.backlog.policy import ItemState, abilities, lacks
from content.calendar.occurrences.policy import Filling, Holding, OccurrenceState, Outcome, filling, outcome
from content.calendar.occurrences.policy import abilities as of_occurrence
from content.delivery.policy import LONGEST_WAIT, MOST_ATTEMPTS, LatePolicy, in_time, retry_after, skip_reason
from contracts.engagement import ActivityState
from contracts.members import CommunityState

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
items = st.one_of(st.none(), st.sampled_from([state.value for state in ItemState]))
activities = st.one_of(st.none(), st.sampled_from([state.value for state in ActivityState]))
holdings = st.one_of(
    st.builds(Holding, item=items, fallback=items), st.builds(Holding, activity=activities, fallback=items)
)


@given(holdings)
def test_what_is_filled_goes_out_and_what_is_not_never_does(holding: Holding) -> None:
    became, is_now = outcome(holding, CommunityState.OPEN), filling(holding)
    assert (is_now is Filling.FILLED) == (became in {Outcome.ITEM, Outcome.ACTIVITY})
    assert (is_now is Filling.EMPTY) == (holding.item is None and holding.activity is None)
    if became is Outcome.FALLBACK:
        assert holding.fallback == "ready"
    if became is Outcome.MISS:
        assert holding.fallback != "ready"


@given(holdings, st.sampled_from([state for state in CommunityState if state is not CommunityState.OPEN]))
def test_nothing_goes_out_in_a_community_that_is_not_open(holding: Holding, state: CommunityState) -> None:
    assert outcome(holding, state) is Outcome.REST
    assert skip_reason(LatePolicy.DELIVER, NOON, NOON, 300, state) == f"community-{state}"


@given(st.integers(-3600, 100_000), st.integers(0, 86_400), st.sampled_from(LatePolicy))
def test_late_is_skipped_only_where_the_policy_says_so(late: int, tolerance: int, policy: LatePolicy) -> None:
    now = NOON + timedelta(seconds=late)
    reason = skip_reason(policy, NOON, now, tolerance, CommunityState.OPEN)
    assert (reason == "too-late") == (policy is LatePolicy.SKIP and late > tolerance)
    assert in_time(NOON, now, tolerance) == (late <= tolerance)


def test_failures_are_tried_again_later_each_time_and_not_for_ever() -> None:
    waits = [retry_after(attempts) for attempts in range(1, MOST_ATTEMPTS + 1)]
    assert waits[-1] is None
    known = [wait for wait in waits if wait is not None]
    assert len(known) == MOST_ATTEMPTS - 1
    assert known == sorted(known)
    assert known[0] == timedelta(seconds=5)
    assert known[-1] <= LONGEST_WAIT


@given(st.sampled_from(ItemState), st.booleans(), st.booleans())
def test_what_may_be_done_with_an_item_fits_its_state(state: ItemState, planned: bool, may_plan: bool) -> None:  # noqa: FBT001
    can = abilities(state, planned=planned, may_plan=may_plan)
    assert not can or (may_plan and state is not ItemState.RETIRED)
    assert ("send" in can) == (may_plan and state is ItemState.READY)
    assert lacks(state, body=None) == (state in {ItemState.READY, ItemState.DELIVERED})
    assert not lacks(state, body="x")


@given(st.sampled_from(OccurrenceState), st.booleans())
def test_what_is_settled_stays(state: OccurrenceState, full: bool) -> None:  # noqa: FBT001
    can = of_occurrence(state, full=full, may_plan=True)
    assert bool(can) == (state in {OccurrenceState.OPEN, OccurrenceState.SKIPPED})
    assert of_occurrence(state, full=full, may_plan=False) == []
