"""What a standard is, when it contradicts itself, and that nobody flaps."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members.tiers.standards import FIGURES, MIXED, figures, standards

from chassis.languages import LANGUAGES
from members.tiers.evaluation import words
from members.tiers.evaluation.policy import QUIET, Decision, Held, Reason, decide, progress
from members.tiers.standards.policy import Criterion, Metric, Standard, faults, read

AT = datetime(2026, 11, 22, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def asks(metric: str, threshold: int, window: int | None = None) -> dict[str, Any]:
    return {"metric": metric, "threshold": threshold, "window_days": window}


def tier(code: str, entry: list[dict[str, Any]] | None = None, **rest: Any) -> dict[str, Any]:
    document: dict[str, Any] = {"code": code, "entry": None if entry is None else {"all": entry, "any": []}}
    return {**document, **rest}


def test_keeping_asks_nine_tenths_of_entry() -> None:
    eased = [Criterion(Metric.POSTS, threshold, 30).eased().threshold for threshold in (1, 5, 10, 20, 25)]
    assert eased == [1, 5, 9, 18, 23], "a figure of at least 0.9 of the threshold, as whole figures go"
    assert Criterion(Metric.LAST_ACTIVITY_DAYS_AGO, 9).eased().threshold == 10


@pytest.mark.parametrize(
    ("tiers", "expected"),
    [
        ([tier("a"), tier("a", [asks("posts", 1)])], [("/tiers/1/code", "code-twice")]),
        ([tier("a", [asks("posts", 1)]), tier("b", [asks("posts", 2)])], [("/tiers/0/entry", "lowest-tier-open")]),
        ([tier("a", keep={"all": []}), tier("b", [asks("posts", 2)])], [("/tiers/0/keep", "lowest-tier-open")]),
        ([tier("a"), tier("b")], [("/tiers/1/entry", "entry-missing")]),
        ([tier("a"), tier("b", [])], [("/tiers/1/entry", "rule-empty")]),
        ([tier("a"), tier("b", [asks("posts", 0)])], [("/tiers/1/entry/all/0/threshold", "threshold-empty")]),
        (
            [tier("a"), tier("b", [asks("active_days", 8, 7)])],
            [("/tiers/1/entry/all/0/threshold", "unreachable")],
        ),
        (
            [tier("a"), tier("b", [asks("days_since_joined", 8, 7)])],
            [("/tiers/1/entry/all/0/window_days", "window-not-taken")],
        ),
        (
            [tier("a"), tier("b", [asks("posts", 8, 7), asks("posts", 9, 7)])],
            [("/tiers/1/entry/all/1", "criterion-twice")],
        ),
        (
            [tier("a"), tier("b", [asks("posts", 8, 7)], keep={"all": [asks("posts", 9, 7)]})],
            [("/tiers/1/keep/all/0", "keep-stricter")],
        ),
        (
            [tier("a"), tier("b", [asks("posts", 8)], keep={"all": [asks("last_activity_days_ago", 60)]})],
            [("/tiers/1/keep/all/0", "keep-stricter")],
        ),
        (
            [tier("a"), tier("b", [asks("posts", 8, 7)], keep={"any": [asks("comments", 1)]})],
            [("/tiers/1/keep/any/0", "keep-stricter")],
        ),
        (
            [tier("a"), tier("b", [asks("posts", 8, 7)]), tier("c", [asks("posts", 8, 7)])],
            [("/tiers/1/entry", "unreachable")],
        ),
        ([tier("a"), tier("b", [asks("posts", 8, 7)], keep={"all": [asks("posts", 1, 30)]})], []),
        ([tier("a"), tier("b", [asks("posts", 8, 7)], keep={"all": [asks("last_activity_days_ago", 6)]})], []),
        ([tier("a"), tier("b", [asks("posts", 8, 7)]), tier("c", [asks("posts", 9, 7)])], []),
    ],
)
def test_what_contradicts_is_said_with_its_place(tiers: list[dict[str, Any]], expected: list[tuple[str, str]]) -> None:
    assert [(one.pointer, one.code) for one in faults(tiers)] == expected


def test_too_many_figures() -> None:
    rule = [asks(metric, 1, window) for metric in ("posts", "comments") for window in range(1, 22)]
    assert "too-many-figures" in {one.code for one in faults([tier("a"), tier("b", rule)])}


@given(standards())
def test_what_has_no_faults_asks_less_for_staying_than_for_coming_in(documents: list[dict[str, Any]]) -> None:
    assert faults(documents) == []


@given(standards(), figures())
def test_whoever_comes_in_may_stay(documents: list[dict[str, Any]], have: dict[str, int | None]) -> None:
    for one in read(1, 0, documents).tiers:
        assert not one.entry.met(have) or one.keep.met(have)


@st.composite
def held(draw: st.DrawFn) -> Held:
    code = draw(st.sampled_from([None, "t0", "t1", "t2", "t3", "elsewhere"]))
    if code is None:
        return Held()
    when = st.one_of(st.none(), st.integers(-20, 20).map(lambda days: AT + days * DAY))
    return Held(code, draw(when), draw(when))


@given(documents=standards(), have=figures(), before=held(), grace=st.integers(0, 30), eligible=st.booleans())
def test_deciding_twice_moves_nobody_the_second_time(
    documents: list[dict[str, Any]], have: dict[str, int | None], before: Held, grace: int, *, eligible: bool
) -> None:
    standard = read(1, grace, documents)
    first = decide(standard, have, before, eligible=eligible, at=AT)
    after = Held(first.tier, first.grace_until, first.manual_until)
    second = decide(standard, have, after, eligible=eligible, at=AT)
    assert second.reason in QUIET
    assert (second.tier, second.grace_until, second.manual_until) == (after.tier, after.grace_until, after.manual_until)


def ladder(grace: int = 14) -> Standard:
    return read(1, grace, MIXED)


def decided(have: dict[str, int | None], before: Held, at: datetime = AT, grace: int = 14) -> Decision:
    return decide(ladder(grace), {**FIGURES, **have}, before, eligible=True, at=at)


def test_a_never_active_member_is_in_the_lowest_tier() -> None:
    never = dict.fromkeys(FIGURES, 0) | {"last_activity_days_ago": None}
    assert decide(ladder(), never, Held(), eligible=True, at=AT) == Decision("t0", None, None, Reason.ENTERED)


def test_falling_takes_failing_through_the_whole_grace() -> None:
    weak: dict[str, int | None] = {"active_days/30": 7}
    began = decided(weak, Held("t1"))
    assert began == Decision("t1", AT + 14 * DAY, None, Reason.GRACE_BEGAN)
    in_grace = Held("t1", began.grace_until)
    assert decided(weak, in_grace, AT + 13 * DAY).reason is Reason.IN_GRACE
    assert decided({"active_days/30": 9}, in_grace, AT + 13 * DAY) == Decision("t1", None, None, Reason.RECOVERED)
    assert decided({"active_days/30": 9}, Held("t1")).reason is Reason.STAYS, "nine tenths of ten"
    assert decided(weak, in_grace, AT + 14 * DAY) == Decision("t0", None, None, Reason.FELL)
    assert decided(weak, Held("t1"), grace=0) == Decision("t0", None, None, Reason.FELL)


def test_placements_stand_until_they_end() -> None:
    until = AT + 3 * DAY
    assert decided({}, Held("t3", None, until)) == Decision("t3", None, until, Reason.PLACED)
    assert decided({}, Held("t3", None, until), until) == Decision("t0", None, None, Reason.PLACEMENT_ENDED)


def test_words_are_there_in_both_languages() -> None:
    for language in LANGUAGES:
        teller = words.Teller([{"code": "t1", "name": {"zh": "常客", "en": "Regular"}}], language)
        for have in (FIGURES, dict.fromkeys(FIGURES)):
            for one in read(1, 0, MIXED).tiers:
                for side in progress(one.entry, have):
                    assert all("{" not in teller.criterion(each).words for each in side)
        for reason in Reason:
            told = teller.move(reason, "t1", "t1")
            assert told != reason.value
            assert "{" not in told
