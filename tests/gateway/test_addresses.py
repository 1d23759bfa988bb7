"""Which addresses are inside, however they are wrapped."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.destinations import (
    UrlFault,
    embedded,
    examine,
    is_public,
    may_dial,
)

INSIDE = [
    *(
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
    ),
    *(
        "127.255.255.254",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.192",
        "192.0.2.1",
    ),
    *(
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
    ),
    *("240.0.0.1", "255.255.255.255", "168.63.129.16"),
]
INSIDE_SIX = [
    *(
        "::",
        "::1",
        "::7f00:1",
        "::ffff:0:7f00:1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "ff02::1",
    ),
    *(
        "100::1",
        "2001::1",
        "2001:0:a9fe:a9fe::",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "64:ff9b:1::808:808",
    ),
    *("2620:0:0:0:0:5efe:a9fe:a9fe", "2620:0:0:0:200:5efe:7f00:1", "4000::1"),
]
OUTSIDE = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "192.169.0.1",
    "223.255.255.255",
]
OUTSIDE_SIX = [
    "2606:4700::1111",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "2001:4860:4860::8888",
]


def wrapped(address: IPv4Address) -> list[IPv6Address]:
    number = int(address)
    return [
        IPv6Address(0xFFFF_0000_0000 | number),
        IPv6Address((0x0064_FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80) | 1),
    ]


def literal(address: str) -> str:
    return f"https://[{address}]/hooks" if ":" in address else f"https://{address}/hooks"


@pytest.mark.parametrize("address", [*INSIDE, *INSIDE_SIX])
def test_address_that_is_not_of_the_open_internet_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    assert code(literal(address)) == "address_refused"


@pytest.mark.parametrize("address", INSIDE)
def test_wrapping_an_address_changes_nothing(address: str) -> None:
    for outer in wrapped(IPv4Address(address)):
        assert embedded(outer) == (IPv4Address(address),)
        assert not may_dial(outer)
        assert code(literal(str(outer))) == "address_refused"


@pytest.mark.parametrize("address", [*OUTSIDE, *OUTSIDE_SIX])
def test_address_of_the_open_internet_may_be_dialled(address: str) -> None:
    assert may_dial(ip_address(address))
    assert code(literal(address)) is None


@given(number=st.integers(0, 2**32 - 1))
def test_wrapped_address_is_judged_as_the_one_within(number: int) -> None:
    address = IPv4Address(number)
    for outer in wrapped(address):
        assert is_public(outer) == is_public(address)
    # Ours refuses all that the standard library calls private, and more.
    if is_public(address):
        assert address.is_global


@given(number=st.integers(0, 2**128 - 1))
def test_only_global_unicast_is_public(number: int) -> None:
    address = IPv6Address(number)
    if is_public(address):
        assert address in ip_network("2000::/3") or embedded(address)


def code(url: str) -> str | None:
    found = examine(url)
    return found.code if isinstance(found, UrlFault) else None
