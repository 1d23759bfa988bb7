"""Mappings: what they make of any message, exactly, and that nothing makes them fail."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.inbound.application import policy as application
from gateway.inbound.mapping import document, policy, strict, values
from gateway.inbound.mapping.paths import MISSING, compile_path
from gateway.inbound.orders.policy import Outcome, compare, refunded

ORDER = """
version: 1
items:
  - kind: order
    fields:
      external_id: $.id
      version: {path: $.at, as: instant, unit: ms}
      placed_at: {path: $.placed, zone: Asia/Shanghai}
      currency: {path: $.currency, default: CNY}
      amount_fen: {path: $.total, as: fen}
      cancelled: {path: $.state, map: {void: true, paid: false}, default: false}
"""
WIDE = """
version: 1
items:
  - kind: contact
    when: [{path: $.a, exists: true}, {path: $.b, not_equals: 7}]
    fields: {external_id: $.a, version: $.b, name: $.c, email: {path: $.a, as: lower}, account_id: $.c}
  - kind: tags
    each: $.b
    fields: {external_id: "@.a", version: "@.b", community_id: "@.c", add: "@", remove: {path: $.b, map: {x: y}}}
  - kind: consent
    fields: {external_id: $.a, version: {path: $.b, unit: s}, purpose: $.c, granted: $.b, decided_at: {path: $.c, unit: ms}}
  - kind: order
    each: $.c
    when: {path: "@.a", in: [1, x, true]}
    fields:
      {external_id: "@", version: {path: "@.b", zone: UTC}, placed_at: "@.c", currency: "@.a", amount_fen: {path: "@.b", as: fen}}
  - kind: refund
    fields: {external_id: "$['a'][0]", order: $.b, currency: $.c, amount_fen: {path: $.b, as: integer}, refunded_at: $.c}
"""
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**45, max_value=10**60),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    st.sampled_from(["x", "CNY", "2026-11-22T07:30:00+08:00", "0001-01-01T00:00:00+14:00", "1e9", "٣", "9" * 30, "-0"]),
)
messages = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc") | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=25,
)


def read(mapping: str) -> policy.Compiled:
    found, faults = policy.compile_mapping(mapping)
    assert found is not None, faults
    return found


def faults_of(mapping: str) -> list[tuple[str, str]]:
    found, faults = policy.compile_mapping(mapping)
    assert found is None
    return [(fault.pointer, fault.code) for fault in faults]


@settings(max_examples=400)
@given(message=messages)
def test_no_message_makes_a_mapping_fail(message: Any) -> None:
    reading = policy.apply_mapping(read(WIDE), message)
    assert not (reading.items and reading.faults)
    for item in reading.items:
        assert 1 <= item.version <= values.LARGEST
        assert item.key.startswith(item.external_id)
        assert "/" not in item.external_id
        json.dumps(item.fields, default=str)


@given(text=st.text(max_size=300) | st.text(alphabet="-:[]{}&*!|>'\"#%@` \n\tabcversionitems$.1", max_size=120))
def test_no_text_makes_reading_a_mapping_fail(text: str) -> None:
    found, faults = policy.compile_mapping(text)
    assert (found is None) == bool(faults)


tree: st.SearchStrategy[Any] = st.recursive(
    scalars | st.sampled_from(["order", "tags", "$.a", "@.a", "fen", "s", "UTC"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "kind",
                    "when",
                    "each",
                    "fields",
                    "path",
                    "as",
                    "map",
                    "unit",
                    "zone",
                    "value",
                    "default",
                    "in",
                    "equals",
                    "version",
                    "external_id",
                    "add",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=400)
@given(items=st.lists(tree, max_size=3), message=messages)
def test_no_tree_makes_reading_a_mapping_fail(items: list[Any], message: Any) -> None:
    text = json.dumps({"version": 1, "items": items}, default=str)
    found, faults = policy.compile_mapping(text)
    assert (found is None) == bool(faults)
    if found is not None:
        policy.apply_mapping(found, message)


@given(fen=st.integers(min_value=0, max_value=values.LARGEST_AMOUNT), exponent=st.sampled_from([0, 2, 3, 4]))
def test_amounts_are_exact(fen: int, exponent: int) -> None:
    written = Decimal(fen).scaleb(-exponent)
    assert values.amount(written, exponent) == fen
    assert values.amount(f"{written:f}", exponent) == fen
    # One more place than the currency has, and it is not rounded.
    finer = Decimal(fen).scaleb(-exponent) + Decimal(1).scaleb(-exponent - 1)
    with pytest.raises(values.Unfit, match="decimal places"):
        values.amount(finer, exponent)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1,000.00", "not-a-number"),
        ("1e3", "not-a-number"),
        ("", "not-a-number"),
        ("٣", "not-a-number"),
        (True, "not-a-number"),
        (None, "not-a-number"),
        ([1], "not-a-number"),
        (Decimal("-0.01"), "negative"),
        (Decimal("1e300"), "out-of-range"),
        (Decimal("1e20"), "out-of-range"),
        (10**50, "not-a-number"),
        (Decimal("NaN"), "out-of-range"),
    ],
)
def test_what_is_no_amount_is_refused(value: Any, code: str) -> None:
    with pytest.raises(values.Unfit) as refused:
        values.amount(value, 2)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("currency", "expected"), [("JPY", 19900), ("CNY", 1990000), ("KWD", 19900000), ("CLF", 199000000)]
)
def test_the_currency_says_how_many_places(currency: str, expected: int) -> None:
    message = {"id": 7, "at": 1795332600123, "placed": "2026-11-22 07:30:00", "currency": currency, "total": 19900}
    [item] = policy.apply_mapping(read(ORDER), message).items
    assert item.fields["amount_fen"] == expected
    assert (item.external_id, item.version) == ("7", 1795332600123000)
    assert item.fields["placed_at"] == datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    assert item.fields["cancelled"] is False


def test_instants_and_numbers_order_alike() -> None:
    iso = values.version("2026-11-22T07:30:00.123456+08:00")
    assert iso == values.version(Decimal("1795303800.123456"), "s")
    assert values.version("7") == values.version(7) == 7
    for wrong in (0, -1, "-1", "0", 2**53, "2026-11-22T07:30:00", "1969-12-31T23:59:59Z", "today", 1.5, None):
        with pytest.raises(values.Unfit):
            values.version(wrong)


def test_a_field_that_nobody_knows_is_named_with_the_nearest() -> None:
    found, faults = policy.compile_mapping(ORDER.replace("placed_at:", "place_at:"))
    assert found is None
    assert [(fault.pointer, fault.code) for fault in faults] == [
        ("/items/0/fields/place_at", "unknown-name"),
        ("/items/0/fields/placed_at", "missing"),
    ]
    assert "'placed_at'" in faults[0].detail


@pytest.mark.parametrize(
    ("old", "new", "pointer", "code"),
    [
        ("kind: order", "kind: ordre", "/items/0/kind", "unknown-kind"),
        ("version: 1", "version: 2", "/version", "language"),
        (", as: fen}", "}", "/items/0/fields/amount_fen/as", "missing"),
        ("as: fen", "as: float", "/items/0/fields/amount_fen/as", "conversion"),
        ("unit: ms", "unit: h", "/items/0/fields/version/unit", "unit"),
        ("Asia/Shanghai", "Asia/Shangai", "/items/0/fields/placed_at/zone", "zone"),
        ("$.id", "$..id", "/items/0/fields/external_id", "path"),
        ("$.id", '"@.id"', "/items/0/fields/external_id", "path"),
        ("{path: $.currency, default: CNY}", "{value: yuan}", "/items/0/fields/currency/value", "not-a-currency"),
        ("{path: $.currency, default: CNY}", "{value: CNY, path: $.x}", "/items/0/fields/currency", "source"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_pointed_at(old: str, new: str, pointer: str, code: str) -> None:
    assert (pointer, code) in faults_of(ORDER.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &x [1]\nb: *x", "alias"),
        ("a: !!python/object/apply:os.system [ls]", "tag"),
        ("a: 1\na: 2", "key-twice"),
        ("[" * 60_000, "nested-too-deep"),
        ("a: [" + "1," * 30_000 + "]", "too-large"),
        ("x" * 70_000, "too-large"),
        ("a: 1\n---\nb: 2", "several-documents"),
        ("a: [", "yaml-invalid"),
        ("? [1]\n: 2", "key"),
        ('a: "\\x07"', "control-character"),
        ("a: \x00", "yaml-invalid"),
        ("\ud800", "yaml-invalid"),
    ],
)
def test_hostile_yaml_is_refused(text: str, code: str) -> None:
    with pytest.raises(document.DocumentError) as refused:
        document.read(text)
    assert refused.value.fault.code == code


def test_conditions_tell_truth_from_one_and_missing_from_null() -> None:
    mapping = """
version: 1
items:
  - kind: contact
    when: [{path: $.a, equals: 1}, {path: $.b, exists: false}]
    fields: {external_id: {value: C}, version: {value: 1}}
"""
    rules = read(mapping)
    assert len(policy.apply_mapping(rules, {"a": 1, "b": None}).items) == 1
    assert len(policy.apply_mapping(rules, {"a": Decimal("1.0")}).items) == 1
    for other in ({"a": True}, {"a": "1"}, {"a": 1, "b": 0}, {}, [], None):
        assert policy.apply_mapping(rules, other) == policy.Reading()


def test_a_long_list_is_a_fault_and_no_burden() -> None:
    reading = policy.apply_mapping(read(WIDE), {"b": [{}] * 1001})
    assert ("/items/1/each", "not-a-list") in [(fault.pointer, fault.code) for fault in reading.faults]


@given(message=messages, path=st.sampled_from(["$", "$.a", "$.a.b[0]", "$['a']", "@.c"]))
def test_paths_find_or_miss(message: Any, path: str) -> None:
    compiled = compile_path(path)
    assert compiled is not None
    found = compiled.find(message, message)
    if path == "$":
        assert found is message
    elif not isinstance(message, dict):
        assert found is MISSING


@given(body=st.binary(max_size=200) | messages.map(lambda one: json.dumps(one, default=str).encode()))
def test_reading_json_strictly_fails_in_one_way_only(body: bytes) -> None:
    with suppress(strict.NotStrictError):
        # Whatever else it raised would fail here.
        again = json.dumps(strict.read(body), default=float).encode()
        assert strict.read(again) is not MISSING


@given(
    status=st.integers(min_value=100, max_value=599),
    body=messages
    | st.fixed_dictionaries({"type": scalars, "errors": messages, "outcome": scalars, "account_id": scalars}),
)
def test_no_answer_of_members_makes_judging_fail(status: int, body: Any) -> None:
    answer = application.judge("contact", status, body)
    assert answer.state in {"applied", "stale", "waiting", "failed"}
    assert (answer.reason is not None) or answer.state in {"applied", "stale"}
    assert answer.reason is None or answer.reason.isascii()


def test_delays_grow_to_an_hour() -> None:
    delays = [application.delay(tries).total_seconds() for tries in range(1, 12)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (5, 3600)


@given(known=st.integers(), told=st.integers(), amount=st.integers(min_value=0), refunds=st.integers(min_value=0))
def test_orders_keep_what_is_newest_and_give_back_no_more_than_was_paid(
    known: int, told: int, amount: int, refunds: int
) -> None:
    assert (compare(known, told) is Outcome.REPEATED) == (known == told)
    assert 0 <= refunded(amount, refunds) <= amount
