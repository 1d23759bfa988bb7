"""How contacts are named, which news counts, and for whom they may stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import new_id
from members.contacts.policy import (
    LATEST_VERSION,
    LONGEST_ID,
    Candidate,
    News,
    clean_external_id,
    compare,
    name_for,
    refusal,
    subject_of,
    whose,
)

VERSIONS = st.integers(1, LATEST_VERSION)
CANDIDATES = st.builds(Candidate, st.uuids(), st.booleans(), st.booleans(), st.booleans())


@given(st.text(max_size=LONGEST_ID + 5))
def test_an_id_that_is_taken_is_taken_as_it_is(text: str) -> None:
    try:
        clean = clean_external_id(text)
    except ValueError:
        return
    assert clean_external_id(clean) == clean
    assert 1 <= len(clean) <= LONGEST_ID
    assert not set("/\\\x00\n\r") & set(clean)
    assert clean == clean.strip()
    assert len(subject_of(new_id(), clean)) <= 400


@pytest.mark.parametrize("text", ["", " ", "a/b", "..", ".", "a\u2028b", "\x7f", "a ", "x" * 201])
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="external id"):
        clean_external_id(text)


@given(st.lists(VERSIONS, min_size=1, max_size=20))
def test_in_whatever_order_news_comes_the_newest_is_known(versions: list[int]) -> None:
    known = versions[0]
    for told in versions[1:]:
        if compare(known, told, deleted=False) is News.NEWER:
            known = told
    assert known == max(versions)


@given(VERSIONS, VERSIONS)
def test_only_newer_news_brings_back_what_was_deleted(known: int, told: int) -> None:
    assert (compare(known, told, deleted=True) is News.NEWER) == (told > known)
    assert compare(known, told, deleted=True) is not News.SAME


@given(st.lists(CANDIDATES, max_size=4), st.booleans())
def test_nobody_is_found_whom_somebody_could_lose(candidates: list[Candidate], processor: bool) -> None:  # noqa: FBT001
    found = whose(candidates, processor=processor)
    plain = [one for one in candidates if not (one.bot or one.role or one.credentialed)]
    assert found == (plain[0].account_id if processor and len(candidates) == len(plain) == 1 else None)


@given(CANDIDATES, st.booleans(), st.booleans())
def test_an_account_is_named_by_whom_the_brand_or_the_person_trusts(
    named: Candidate,
    processor: bool,  # noqa: FBT001
    consented: bool,  # noqa: FBT001
) -> None:
    fault = refusal(named, processor=processor, consented=consented)
    assert (fault is None) == (not named.bot and not named.role and (processor or consented))


def test_nobody_at_all_cannot_be_named() -> None:
    assert refusal(None, processor=True, consented=True) == ("unknown", "There is no such account.")


@given(st.text("0123456789+", min_size=8, max_size=20))
def test_a_name_that_is_made_up_tells_no_number(number: str) -> None:
    made = name_for(None, number)
    assert len([one for one in made if one.isdigit()]) == 4
    assert name_for("Lin", number) == "Lin"
