"""What columns mean and rows say, whatever they hold."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.memberships.files.policy import (
    RISKY,
    ColumnMap,
    Field,
    KnownAccount,
    Outcome,
    Person,
    decide,
    judge,
    neutral,
    normalise_phone,
    read_time,
    suggest,
)
from members.memberships.files.words import WORDS
from members.reasons import Reason

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
EVERYTHING = ColumnMap(dict(enumerate(Field)))


@given(st.lists(st.text(), max_size=12))
def test_every_row_is_a_person_or_has_a_reason_with_words(cells: list[str]) -> None:
    said = judge(cells, len(Field), EVERYTHING, now=NOW, zone=SHANGHAI)
    if isinstance(said, Reason):
        assert set(WORDS[said.code]) == {"zh", "en"}
        for words in WORDS[said.code].values():
            words.format(**said.params)
    else:
        assert said.name
        assert said.external_id


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_a_person_read_again_is_the_same_person(external_id: str, name: str, tags: str) -> None:
    mapping = ColumnMap({0: Field.EXTERNAL_ID, 1: Field.NAME, 2: Field.TAGS})
    first = judge([external_id, name, tags], 3, mapping, now=NOW, zone=SHANGHAI)
    if isinstance(first, Person):
        second = judge([first.external_id, first.name, ",".join(first.tags)], 3, mapping, now=NOW, zone=SHANGHAI)
        assert second == first


@given(st.text())
def test_no_cell_of_ours_is_a_formula(cell: str) -> None:
    safe = neutral(cell)
    assert not safe.startswith(RISKY)
    assert safe.removeprefix("'") == cell or safe == cell


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "+86", "0086", "86", "+86 "]))
def test_one_chinese_mobile_has_one_form(number: str, prefix: str) -> None:
    spaced = f"{prefix}{number[:3]} {number[3:7]}-{number[7:]}"
    assert normalise_phone(spaced) == normalise_phone(number) == f"+86{number}"


@given(st.text(max_size=30))
def test_a_phone_number_in_its_one_form_stays(text: str) -> None:
    once = normalise_phone(text)
    assert once is None or normalise_phone(once) == once


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2026, 1, 1)))  # noqa: DTZ001  in no zone on purpose
def test_dates_are_read_in_the_communitys_zone(at: datetime) -> None:
    whole = at.replace(microsecond=0)
    meant = whole.replace(tzinfo=SHANGHAI).astimezone(UTC)
    for text in (
        whole.isoformat(),
        whole.isoformat(sep=" "),
        f"{whole.year}/{whole.month}/{whole.day} {whole:%H:%M:%S}",
        f"{whole.year}年{whole.month}月{whole.day}日 {whole:%H:%M:%S}",
    ):
        assert read_time(text, SHANGHAI) == meant
    assert read_time(f"{whole.isoformat()}+00:00", SHANGHAI) == whole.replace(tzinfo=UTC)


@given(st.text(max_size=40))
def test_no_text_breaks_a_date(text: str) -> None:
    at = read_time(text, SHANGHAI)
    assert at is None or at.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "soon", "2024-13-01", "2024-02-30", "24-01-01", "2024-01-01 25:00", "45000"])
def test_what_is_no_date(text: str) -> None:
    assert read_time(text, SHANGHAI) is None


@pytest.mark.parametrize(
    ("at", "good"),
    [("2024-01-31", True), ("2024/1/5 9:30", True), ("1989-12-31", False), (str(NOW.date() + timedelta(2)), False)],
)
def test_when_somebody_may_have_joined(at: str, good: bool) -> None:  # noqa: FBT001  a case
    mapping = ColumnMap({0: Field.EXTERNAL_ID, 1: Field.NAME, 2: Field.JOINED_AT})
    assert isinstance(judge(["1", "Lin", at], 3, mapping, now=NOW, zone=SHANGHAI), Person) is good


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("姓名", Field.NAME),
        (" Display Name ", Field.NAME),
        ("E-Mail", Field.EMAIL),
        ("手机号", Field.PHONE),
        ("ID", Field.EXTERNAL_ID),
        ("external_id", Field.EXTERNAL_ID),
        ("入群时间", Field.JOINED_AT),
        ("Time zone", Field.ZONE),
        ("标签", Field.TAGS),
        ("备注", None),
        ("", None),
    ],
)
def test_headers_in_both_languages(header: str, field: Field | None) -> None:
    assert suggest(header) is field


TAGS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6).map(tuple)
STATES = st.sampled_from([None, "approved", "applied", "rejected", "left", "removed"])


@given(TAGS, st.lists(st.tuples(STATES, TAGS), max_size=3), st.integers(min_value=0, max_value=8))
def test_decisions_add_up(tags: tuple[str, ...], known: list[tuple[str | None, tuple[str, ...]]], most: int) -> None:
    person = Person("1", "Lin", tags=tags)
    accounts = [KnownAccount(place, state, frozenset(held)) for place, (state, held) in enumerate(known)]
    decision = decide(person, accounts, most_tags=most)
    assert (decision.reason is not None) == (decision.outcome is Outcome.REJECT)
    assert (decision.outcome is Outcome.CREATE) == (not known)
    if decision.outcome is Outcome.REJECT:
        assert decision.tags == ()
        assert decision.reason is not None
        assert decision.reason.code in WORDS
    else:
        held = accounts[0].tags if accounts else frozenset()
        assert set(decision.tags) == set(tags) - held
        assert decision.outcome is not Outcome.KEEP or not decision.tags
        # Taken once, the same again changes nothing.
        again = KnownAccount(0, "approved", held | set(decision.tags))
        if len(again.tags) <= most:
            assert decide(person, [again], most_tags=most).outcome is Outcome.KEEP
