"""Which headers of its own an endpoint may be sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.policy import LONGEST_VALUE, MOST_BYTES, MOST_HEADERS, header_faults


def codes(headers: dict[str, str]) -> list[str]:
    return [fault.code for fault in header_faults(headers)]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer abc.def=="},
        {"X-Api-Key": "k"},
        {"accept": "*/*", "user-agent": "ours", "x": "a b"},
        {"x!#$": "~"},
    ],
)
def test_headers_of_partners_are_taken(headers: dict[str, str]) -> None:
    assert codes(headers) == []


@pytest.mark.parametrize(
    "name",
    [
        *(
            "webhook-id",
            "Webhook-Signature",
            "WEBHOOK-anything",
            "svix-id",
            "hearth-trace",
            "Host",
            "content-length",
            "Content-Type",
        ),
        *(
            "content-encoding",
            "connection",
            "Keep-Alive",
            "proxy-connection",
            "proxy-authorization",
            "TE",
            "trailer",
            "Transfer-Encoding",
        ),
        *("upgrade", "expect", "cookie", "accept-encoding", "forwarded", "X-Forwarded-For", "sec-fetch-site"),
    ],
)
def test_header_of_ours_or_of_the_connection_is_reserved(name: str) -> None:
    assert codes({name: "x"}) == ["name_reserved"]


@pytest.mark.parametrize(
    "name", ["", "a b", "a:", "a\r\nb", "ä", "a\0", "(a)", "a/b", "a" * 65, "\ud800", ":path", "a\n"]
)
def test_name_is_a_token(name: str) -> None:
    assert codes({name: "x"}) == ["name_malformed"]


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        " a",
        "a ",
        "a\r\nHost: b",
        "a\nb",
        "a\rb",
        "a\0b",
        "a\tb",
        "ü",
        "\ud800",
        "\x7f",
        "a" * (LONGEST_VALUE + 1),
        "a\n",
    ],
)
def test_value_is_printable_ascii(value: str) -> None:
    assert codes({"x": value}) == ["value_malformed"]


def test_number_and_size_are_bounded() -> None:
    assert codes({f"x-{number}": "v" for number in range(MOST_HEADERS)}) == []
    assert codes({f"x-{number}": "v" for number in range(MOST_HEADERS + 1)}) == ["too_many_headers"]
    assert codes({f"x-{number}": "v" * 1000 for number in range(4)}) == []
    assert codes({f"x-{number}": "v" * (MOST_BYTES // 4) for number in range(4)}) == ["headers_too_large"]


def test_name_stands_once_in_whatever_letters() -> None:
    assert codes({"X-Key": "a", "x-key": "b"}) == ["name_repeated"]


def test_every_fault_is_said_with_its_header() -> None:
    faults = header_faults({"host": "a", "ok": "a", "bad": "\n"})
    assert [(fault.name, fault.code) for fault in faults] == [("host", "name_reserved"), ("bad", "value_malformed")]
    assert all(fault.detail.endswith(".") for fault in faults)


@given(headers=st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=25))
def test_what_is_taken_can_be_written_as_http(headers: dict[str, str]) -> None:
    if not header_faults(headers):
        for text in (*headers, *headers.values()):
            assert text.isascii()
            assert text.isprintable()
            assert text
