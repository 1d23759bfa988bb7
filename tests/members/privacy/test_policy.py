"""Which decision is in force: a person's own word, and what may be claimed of it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.members import ClientBasis, ConsentPurpose
from members.privacy.consents.policy import Decision, Outcome, Source, judge, may_claim, merge

START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 5).map(lambda days: START + timedelta(days=days))
DECISIONS = st.builds(Decision, st.booleans(), MOMENTS, st.sampled_from(Source))
CLAIMS = DECISIONS.filter(lambda one: one.source is not Source.PERSON)


def after(decisions: list[Decision], known: Decision | None = None) -> Decision | None:
    for told in decisions:
        if judge(known, told) is Outcome.APPLIED:
            known = told
    return known


@given(st.lists(CLAIMS, max_size=10), MOMENTS)
def test_no_claims_bring_back_what_a_person_has_withdrawn(claims: list[Decision], moment: datetime) -> None:
    withdrawn = Decision(granted=False, decided_at=moment, source=Source.PERSON)
    assert after(claims, withdrawn) == withdrawn


@given(st.lists(CLAIMS, max_size=10))
def test_a_persons_word_is_in_force_at_once(claims: list[Decision]) -> None:
    for granted in (True, False):
        own = Decision(granted, START, Source.PERSON)
        known = after([*claims, own])
        assert known is not None
        assert (known.granted, known.source) == (granted, Source.PERSON)


@given(st.lists(CLAIMS, min_size=1, max_size=6), st.randoms())
def test_claims_count_by_when_it_was_decided_in_whatever_order_they_come(
    claims: list[Decision], random: object
) -> None:
    shuffled = list(claims)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = after(claims), after(shuffled)
    assert first is not None
    assert second is not None
    assert (first.granted, first.decided_at) == (second.granted, second.decided_at)
    newest = max(one.decided_at for one in claims)
    # Of two at one moment the refusal.
    assert first.granted == all(one.granted for one in claims if one.decided_at == newest)


@given(MOMENTS, MOMENTS)
def test_a_later_withdrawal_is_heeded_whoever_tells_of_it(own: datetime, told: datetime) -> None:
    agreed = Decision(granted=True, decided_at=own, source=Source.PERSON)
    outcome = judge(agreed, Decision(granted=False, decided_at=told, source=Source.PARTNER))
    assert outcome is (Outcome.APPLIED if told > own else Outcome.STALE)


@given(DECISIONS, DECISIONS)
def test_what_is_told_again_changes_nothing(known: Decision, told: Decision) -> None:
    then = after([told], known)
    assert then is not None
    assert after([told], then) == then


@given(DECISIONS, DECISIONS)
def test_a_merge_keeps_what_weighs_more_whichever_goes(one: Decision, other: Decision) -> None:
    def kept(stays: Decision, goes: Decision) -> tuple[bool, datetime]:
        chosen = goes if merge(stays, goes) else stays
        return chosen.granted, chosen.decided_at

    assert merge(None, one)
    assert kept(one, other) == kept(other, one)
    if one.source is Source.PERSON and other.source is not Source.PERSON:
        assert not merge(one, other)


@given(st.sampled_from(ConsentPurpose), st.sampled_from(ClientBasis), st.booleans())
def test_nobody_agrees_to_themselves(purpose: ConsentPurpose, basis: ClientBasis, granted: bool) -> None:  # noqa: FBT001
    refused = purpose is ConsentPurpose.PARTNER and basis is ClientBasis.CONSENT and granted
    assert may_claim(purpose, basis, granted=granted) == (not refused)
