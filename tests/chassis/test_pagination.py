"""Cursors: what was given out comes back whole, and nothing else is taken."""

import base64
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Problem
from chassis.pagination import Cursors

CURSORS = Cursors("a secret")
VALUES = st.lists(st.one_of(st.text(max_size=20), st.integers(-(2**53), 2**53), st.none()), max_size=4)


@given(VALUES, st.text(max_size=20))
def test_a_cursor_comes_back_as_it_went_out(values: list[object], scope: str) -> None:
    assert CURSORS.decode(scope, CURSORS.encode(scope, *values)) == values


@given(VALUES, st.integers(min_value=0))
def test_a_changed_cursor_is_refused(values: list[object], place: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(CURSORS.encode("list", *values) + "==="))
    raw[place % len(raw)] ^= 1
    with pytest.raises(Problem) as refused:
        CURSORS.decode("list", base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode())
    assert refused.value.status_code == 422


@given(st.text(max_size=50))
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        CURSORS.decode("list", text)


def test_a_cursor_is_good_for_its_own_list_and_installation_only() -> None:
    cursor = CURSORS.encode("posts:tenant-a", 1)
    for cursors, scope in ((CURSORS, "posts:tenant-b"), (Cursors("another secret"), "posts:tenant-a")):
        with pytest.raises(Problem):
            cursors.decode(scope, cursor)
    assert CURSORS.decode("posts:tenant-a", None) is None


@given(st.integers(0, 12), st.integers(1, 12))
def test_pages_put_together_are_the_list(rows: int, limit: int) -> None:
    found: list[int] = []
    after: list[object] | None = None
    for _ in range(rows + 1):
        left = [row for row in range(rows) if after is None or row > int(str(after[0]))][: limit + 1]
        found += left[:limit]
        cursor = CURSORS.following("list", left, limit, lambda row: row)
        after = CURSORS.decode("list", cursor)
        if cursor is None:
            break
    assert found == list(range(rows))
    assert after is None


def test_sort_values_are_written_as_they_are_read_again() -> None:
    at, identifier = datetime(2026, 3, 2, 9, 0, 0, 5, tzinfo=UTC), UUID(int=7)
    rows = [(at, identifier, Decimal("1.50"), "text", None), (at, identifier, Decimal(2), "", None)]
    cursor = CURSORS.following("list", rows, 1, lambda row: row)
    assert cursor == CURSORS.encode("list", at.isoformat(), str(identifier), "1.50", "text", None)
    assert CURSORS.following("list", rows, 2, lambda row: row) is None
