"""What of a filter cannot be meant is refused where it stands; buckets share people out."""

from __future__ import annotations

import contextlib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ids import new_id
from members.segments.filters import policy
from members.segments.filters.evaluation import bucket_of
from members.segments.filters.policy import Malformed
from members.segments.filters.reading import read


def nested(levels: int, form: str) -> Any:
    document: Any = {"never_active": True}
    for _ in range(levels):
        document = {"not": document} if form == "not" else {form: [document]}
    return document


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        (None, "/filter", "object-type"),
        ([], "/filter", "object-type"),
        ({}, "/filter", "condition-unknown"),
        ({"all": {}}, "/filter/all", "list-type"),
        ({"any": []}, "/filter/any", "too-short"),
        ({"all": [{"never_active": True}, 7]}, "/filter/all/1", "object-type"),
        ({"all": [], "any": []}, "/filter/any", "extra-forbidden"),
        ({"not": {"field": "colour", "op": "=", "value": "red"}}, "/filter/not/field", "field-unknown"),
        ({"field": "tier; DROP TABLE account", "op": "=", "value": "x"}, "/filter/field", "field-unknown"),
        ({"field": "lifecycle", "op": "=", "value": "x"}, "/filter/field", "field-not-available"),
        ({"field": ["tag"], "op": "=", "value": "x"}, "/filter/field", "field-unknown"),
        ({"field": "tag", "op": "LIKE", "value": "x"}, "/filter/op", "enum"),
        ({"field": "tag", "op": "="}, "/filter/value", "missing"),
        ({"field": "tag", "op": "=", "value": 7}, "/filter/value", "string-type"),
        ({"field": "tag", "op": "in", "value": ["a", None]}, "/filter/value/1", "string-type"),
        ({"field": "tag", "op": "in", "value": []}, "/filter/value", "list-type"),
        ({"field": "roles", "op": "=", "value": "king"}, "/filter/value", "enum"),
        ({"field": "bot", "op": "=", "value": "true"}, "/filter/value", "bool-type"),
        ({"field": "joined_at", "op": "before", "value": "2026-01-01T00:00:00"}, "/filter/value", "datetime-parsing"),
        ({"field": "joined_at", "op": "before", "value": "now()"}, "/filter/value", "datetime-parsing"),
        ({"field": "joined_at", "op": "within_days", "value": 0}, "/filter/value", "int-type"),
        ({"field": "last_order_at", "op": ">=", "value": 1}, "/filter/op", "enum"),
        ({"field": "orders", "op": "in", "value": [1]}, "/filter/op", "enum"),
        ({"field": "orders", "op": ">=", "value": "1"}, "/filter/value", "int-type"),
        ({"field": "order_total_fen", "op": ">=", "value": -1}, "/filter/value", "int-type"),
        ({"field": "order_total_fen", "op": ">=", "value": 10**15 + 1}, "/filter/value", "int-type"),
        ({"field": "order_total_fen", "op": ">=", "value": 1.5}, "/filter/value", "int-type"),
        ({"fact": "likes", "op": ">=", "value": 1}, "/filter/fact", "enum"),
        ({"fact": "posts", "op": ">=", "value": True}, "/filter/value", "int-type"),
        ({"fact": "posts", "op": ">=", "value": -1}, "/filter/value", "int-type"),
        ({"fact": "posts", "op": ">=", "value": 10**30}, "/filter/value", "int-type"),
        ({"fact": "posts", "op": ">=", "value": 1, "window_days": "7 OR 1=1"}, "/filter/window_days", "int-type"),
        ({"fact": "posts", "op": "; --", "value": 1}, "/filter/op", "enum"),
        (
            {"fact": "last_activity_days_ago", "window_days": 7, "op": ">=", "value": 1},
            "/filter/window_days",
            "extra-forbidden",
        ),
        ({"never_active": False}, "/filter/never_active", "literal-error"),
        ({"segment": "1; DROP"}, "/filter/segment", "uuid-parsing"),
        ({"random": 3}, "/filter/random", "object-type"),
        ({"random": {"salt": "a", "bucket": 5, "of": 5}}, "/filter/random/bucket", "int-type"),
        ({"random": {"salt": "", "bucket": 0, "of": 5}}, "/filter/random/salt", "string-type"),
        ({"random": {"salt": "a", "bucket": 0, "of": 5, "x/y": 1}}, "/filter/random/x~1y", "extra-forbidden"),
        (nested(100, "not"), "/filter" + "/not" * 16, "filter-too-deep"),
        (nested(100, "all"), "/filter" + "/all/0" * 16, "filter-too-deep"),
        ({"any": [{"never_active": True}] * 300}, "/filter/any/199", "filter-too-large"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(document: Any, pointer: str, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(document)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [(pointer, code)]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["all", "any", "not", "field", "op", "value", "fact", "segment", "random"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_read_or_refused(document: Any) -> None:
    with contextlib.suppress(Malformed):
        read(document)


def test_cycles_strangers_and_growth_are_refused() -> None:
    a, b, c = UUID(int=1), UUID(int=2), UUID(int=3)
    known = {a: read({"segment": str(b)}), b: read({"not": {"segment": str(c)}}), c: read({"never_active": True})}
    policy.check_references(read({"segment": str(a)}), known)
    with pytest.raises(Malformed, match="leads back"):
        policy.check_references(read({"all": [{"segment": str(a)}]}), known, c)
    with pytest.raises(Malformed, match="leads back"):
        policy.check_references(read({"segment": str(c)}), known, c)
    with pytest.raises(Malformed, match="no such segment"):
        policy.check_references(read({"segment": str(UUID(int=9))}), known)
    assert policy.dependents(c, known) == {a, b}
    growing = {UUID(int=0): read({"all": [{"never_active": True}] * 9})}
    for level in range(1, 5):
        growing[UUID(int=level)] = read({"all": [{"segment": str(UUID(int=level - 1))}] * 9})
    with pytest.raises(Malformed, match="more than"):
        policy.check_references(read({"segment": str(UUID(int=4))}), growing)


@given(st.text(min_size=1, max_size=10), st.integers(2, 50))
def test_buckets_share_people_out(salt: str, of: int) -> None:
    account = new_id()
    assert bucket_of(salt, account, of) == bucket_of(salt, account, of) < of


def test_a_bucket_takes_its_share() -> None:
    taken = sum(bucket_of("holdout", UUID(int=n), 10) == 3 for n in range(10_000))
    assert 900 < taken < 1100
