from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.servers import POSTS, Echo, Reply, running, serving

from chassis.ids import new_id
from gateway.limits import Addresses, Buckets, Policy, answer_headers, partition

SMALL = Policy("small", rate=2, burst=3)


def told(reply: Reply) -> tuple[str, dict[str, int], dict[str, int]]:
    """Return the policy's name and the parameters of both headers, parsed as structured fields."""
    policy = re.fullmatch(rb'"([a-z]+)";q=(\d+);w=(\d+)', reply.get(b"ratelimit-policy") or b"")
    limit = re.fullmatch(rb'"([a-z]+)";r=(\d+);t=(\d+)', reply.get(b"ratelimit") or b"")
    assert policy is not None
    assert limit is not None
    assert policy[1] == limit[1]
    return policy[1].decode(), {"q": int(policy[2]), "w": int(policy[3])}, {"r": int(limit[2]), "t": int(limit[3])}


def test_a_bucket_empties_and_fills() -> None:
    buckets = Buckets(10)
    assert [buckets.take("a", SMALL, 100.0).allowed for _ in range(4)] == [True, True, True, False]
    assert buckets.take("b", SMALL, 100.0).allowed
    refused = buckets.take("a", SMALL, 100.0)
    assert (refused.remaining, refused.wait, refused.full_in) == (0, 1, 2)
    assert buckets.take("a", SMALL, 100.5).allowed
    assert not buckets.take("a", SMALL, 100.6).allowed
    assert [buckets.take("a", SMALL, 1000.0).allowed for _ in range(4)] == [True, True, True, False]


def test_policies_do_not_share_a_bucket() -> None:
    buckets, other = Buckets(10), Policy("other", 1, 1)
    assert [buckets.take("a", policy, 0).allowed for policy in (SMALL, other, SMALL, other)] == [
        True,
        True,
        True,
        False,
    ]


def test_the_callers_longest_unseen_are_forgotten() -> None:
    buckets, one = Buckets(3), Policy("one", 0.001, 1)
    for caller in "abca":
        buckets.take(caller, one, 0)
    buckets.take("d", one, 0)
    assert len(buckets) == 3
    assert not buckets.take("a", one, 0).allowed  # seen lately
    assert buckets.take("b", one, 0).allowed  # forgotten, so it starts full
    for number in range(1000):
        buckets.take(number, one, 0)
    assert len(buckets) == 3


@given(
    st.lists(st.floats(min_value=0, max_value=10), min_size=1, max_size=200),
    st.floats(min_value=0.1, max_value=50),
    st.integers(min_value=1, max_value=30),
)
def test_no_window_lets_more_pass_than_burst_and_rate(gaps: list[float], rate: float, burst: int) -> None:
    buckets, policy = Buckets(1), Policy("p", rate, burst)
    now, passed = 0.0, []
    for gap in gaps:
        now += gap
        taken = buckets.take("a", policy, now)
        assert 0 <= taken.remaining <= burst
        assert taken.full_in <= math.ceil(burst / rate)
        if taken.allowed:
            passed.append(now)
        else:
            # Whoever waits as told is served.
            assert Buckets(1).take("a", policy, now).allowed
    for index, start in enumerate(passed):
        for count, end in enumerate(passed[index:], start=1):
            assert count <= burst + rate * (end - start) + 1e-6


@given(st.floats(min_value=0.05, max_value=50), st.integers(min_value=1, max_value=30))
def test_whoever_waits_as_told_is_served(rate: float, burst: int) -> None:
    buckets, policy = Buckets(1), Policy("p", rate, burst)
    while (taken := buckets.take("a", policy, 7.0)).allowed:
        pass
    assert buckets.take("a", policy, 7.0 + taken.wait).allowed


def test_a_refusal_names_one_instant() -> None:
    buckets = Buckets(1)
    while (taken := buckets.take("a", SMALL, 0)).allowed:
        pass
    assert answer_headers(SMALL, taken) == (
        (b"ratelimit-policy", b'"small";q=3;w=2'),
        (b"ratelimit", b'"small";r=0;t=1'),
    )


async def test_each_answer_says_where_the_caller_stands() -> None:
    async with serving(Echo()) as port, running(port, members=port) as gateway:
        assert told(await gateway.ask()) == ("authenticated", {"q": 400, "w": 4}, {"r": 399, "t": 1})
        assert told(await gateway.ask())[2]["r"] in (398, 399)
        assert told(await gateway.ask("POST", "/v1/sessions", signed=False))[0] == "credentials"
        assert told(await gateway.ask("GET", "/.well-known/jwks.json", signed=False))[0] == "anonymous"
        assert told(await gateway.ask("GET", POSTS, signed=False))[0] == "anonymous"  # a 401
        assert told(await gateway.ask("GET", "/v1/nothing", signed=False))[0] == "anonymous"  # a 404
        assert told(await gateway.ask("GET", "/docs", signed=False))[0] == "anonymous"
        assert told(await gateway.ask("POST", POSTS, {"Content-Length": 10**8}))[0] == "authenticated"  # a 413


async def test_who_asks_too_much_is_429_and_others_are_not() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port, authenticated_rate=0.01, authenticated_burst=2) as gateway:
        assert [(await gateway.ask()).status for _ in range(3)] == [200, 200, 429]
        reply = await gateway.ask()
        assert (reply.code, reply.get(b"retry-after")) == ("rate-limited", b"100")
        assert told(reply)[2] == {"r": 0, "t": 100}
        gateway.account = new_id()
        assert (await gateway.ask()).status == 200
    assert len(echo.requests) == 3


async def test_a_partners_client_is_one_caller_whatever_its_tokens() -> None:
    async with serving(Echo()) as port, running(port, authenticated_rate=0.01, authenticated_burst=1) as gateway:
        client = new_id()
        tokens = [gateway.issuer.token(gateway.organization, client, client=True) for _ in range(2)]
        statuses = [(await gateway.ask("GET", POSTS, {"Authorization": f"Bearer {token}"})).status for token in tokens]
    assert statuses == [200, 429]


async def test_guessing_is_counted_by_address() -> None:
    limits: dict[str, Any] = {
        "anonymous_rate": 0.01,
        "anonymous_burst": 3,
        "credentials_rate": 0.01,
        "credentials_burst": 2,
    }
    async with serving(Echo()) as port, running(port, members=port, **limits) as gateway:
        logins = [(await gateway.ask("POST", "/v1/sessions", signed=False)).status for _ in range(3)]
        assert logins == [200, 200, 429]
        guesses = [(await gateway.ask("GET", POSTS, {"Authorization": f"Bearer {n}"})).status for n in range(4)]
        assert guesses == [401, 401, 401, 429]
        # A caller with a token is not kept out by what others at its address do.
        assert (await gateway.ask()).status == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("9.9.9.9", b"6.6.6.6", "9.9.9.9"),  # the peer is nobody we trust
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", b"6.6.6.6", "6.6.6.6"),
        ("10.0.0.1", b"1.1.1.1, 6.6.6.6, 10.0.0.7", "6.6.6.6"),  # left of it is anybody's word
        ("10.0.0.1", b"6.6.6.6, garbage, 10.0.0.7", "10.0.0.7"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("::ffff:10.0.0.1", b"2001:db8::7", "2001:db8::7"),
        ("fd00::1", b"6.6.6.6", "6.6.6.6"),
    ],
)
def test_the_address_is_what_trusted_proxies_say(peer: str, forwarded: bytes | None, client: str) -> None:
    assert Addresses(("10.0.0.0/8", "fd00::/8")).client(peer, forwarded)[0] == client
    assert Addresses(()).client(peer, forwarded) == (peer, False)


def test_an_ipv6_caller_is_its_network() -> None:
    assert partition("2001:db8:1:2:3:4:5:6") == partition("2001:db8:1:2::9") != partition("2001:db8:1:3::9")
    assert partition("10.1.2.3") == "10.1.2.3"
    assert partition("") == ""


async def test_a_trusted_proxy_tells_address_and_scheme() -> None:
    echo = Echo()
    sent = {"X-Forwarded-For": "1.2.3.4, 6.6.6.6", "X-Forwarded-Proto": "https"}
    async with serving(echo) as port, running(port, trusted_proxies=("127.0.0.0/8",)) as gateway:
        await gateway.ask("GET", POSTS, sent)
    assert (echo.last[b"x-forwarded-for"], echo.last[b"x-forwarded-proto"]) == (b"6.6.6.6", b"https")
