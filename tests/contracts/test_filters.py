"""How partners name the types that they want."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalogue import BY_TYPE, FOR_PARTNERS, filter_fault, filters_for, matches

TYPES = st.sampled_from(sorted(BY_TYPE))
PATTERNS = st.one_of(
    TYPES,
    TYPES.flatmap(lambda name: st.sampled_from(filters_for(name))),
    st.text(alphabet="*.abcv1_ \x00é", max_size=12),
)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", True),
        ("content.*", True),
        ("content.post.*", True),
        ("content.post.published.*", True),
        ("content.post.published.v1", True),
        ("content.post.published.v1.*", False),
        ("content.post.published", False),
        ("content.post.published.v10", False),
        ("content", False),
        ("conten*", False),
        ("content.pos.*", False),
        ("*.post.*", False),
        ("members.*", False),
        (".*", False),
        ("", False),
    ],
)
def test_a_filter_is_a_type_or_leading_segments_and_a_star(pattern: str, expected: bool) -> None:  # noqa: FBT001  the case
    assert matches(pattern, "content.post.published.v1") is expected


@given(PATTERNS, TYPES)
def test_matching_by_rule_and_by_list_is_the_same(pattern: str, name: str) -> None:
    assert matches(pattern, name) == (pattern in filters_for(name))


@given(PATTERNS)
def test_a_filter_is_at_fault_exactly_when_it_lets_nothing_through(pattern: str) -> None:
    fault = filter_fault(pattern)
    assert (fault is None) == any(matches(pattern, name) for name in FOR_PARTNERS)
    assert fault is None or fault.endswith((".", "?"))


@pytest.mark.parametrize(
    ("pattern", "nearest"),
    [
        ("content.post.publishd.v1", "content.post.published.v1"),
        ("content.post.published", "content.post.published.v1"),
        ("content.posts.*", "content.post.*"),
        ("member.*", "members.*"),
        ("members.membership.approved.v2", "members.membership.approved.v1"),
    ],
)
def test_a_fault_names_the_nearest(pattern: str, nearest: str) -> None:
    assert f"did you mean {nearest}?" in (filter_fault(pattern) or "")


def test_a_type_that_partners_never_get_is_named_as_such() -> None:
    assert "Partners do not get members.session.revoked.v1" in (filter_fault("members.session.revoked.v1") or "")
    assert filter_fault("members.session.*") is not None


def test_a_huge_filter_is_refused_without_being_compared() -> None:
    assert filter_fault("content." * 100_000) == "No type of event is longer than 100 characters."


def test_no_type_is_longer_than_a_filter_may_be() -> None:
    assert max(map(len, BY_TYPE)) <= 98
