"""Rate limits: a token bucket per caller, told to the caller by RateLimit headers (draft-ietf-httpapi-ratelimit-headers-10).

Buckets live in this process: with several replicas a caller has the allowance of each. That keeps a look-up off every request and fails
open, which is right for what these limits are for (one caller must not starve the others). Limits that must hold exactly, such as those on
login attempts, are the service's own. Memory is bounded: past `remembered` callers the one longest unseen is forgotten, and starts full.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from chassis.errors import Problem
from gateway.settings import GatewaySettings

IPV6_SITE_BITS = 64


@dataclass(frozen=True)
class Policy:
    """How much one caller may do: `burst` requests at once, refilled by `rate` a second."""

    name: str
    rate: float
    burst: int
    header: tuple[bytes, bytes] = field(init=False)

    def __post_init__(self) -> None:
        window = max(1, math.ceil(self.burst / self.rate))
        object.__setattr__(self, "header", (b"ratelimit-policy", f'"{self.name}";q={self.burst};w={window}'.encode()))


class Taken(NamedTuple):
    """What taking one request from a bucket said."""

    allowed: bool
    remaining: int
    full_in: int
    """Seconds until the bucket is full again."""
    wait: int
    """Seconds until one request fits, 0 when it did."""


class Buckets:
    """The buckets of the callers seen last. `now` is any clock in seconds that does not go back."""

    def __init__(self, remembered: int) -> None:
        self._remembered = remembered
        self._levels: OrderedDict[Hashable, list[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, caller: Hashable, policy: Policy, now: float) -> Taken:
        """Take one request from the caller's bucket if it holds one."""
        levels = self._levels
        key = (policy.name, caller)
        bucket = levels.get(key)
        if bucket is None:
            level = float(policy.burst)
            bucket = levels[key] = [level, now]
            if len(levels) > self._remembered:
                levels.popitem(last=False)
        else:
            level = min(policy.burst, bucket[0] + (now - bucket[1]) * policy.rate)
            levels.move_to_end(key)
        allowed = level >= 1
        if allowed:
            level -= 1
        bucket[0] = level
        bucket[1] = now
        wait = 0 if allowed else max(1, math.ceil((1 - level) / policy.rate))
        return Taken(allowed, int(level), math.ceil((policy.burst - level) / policy.rate), wait)


def answer_headers(policy: Policy, taken: Taken) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
    """Return the two headers that tell a caller where it stands."""
    # With Retry-After, both name the same instant (section 4 of the draft).
    seconds = taken.full_in if taken.allowed else taken.wait
    return policy.header, (b"ratelimit", b'"%s";r=%d;t=%d' % (policy.name.encode(), taken.remaining, seconds))


def refusal(policy: Policy, taken: Taken) -> Problem:
    """429, saying when to come back."""
    return Problem(
        429,
        "rate-limited",
        f"More than {policy.rate:g} requests a second, past a burst of {policy.burst}: come back in {taken.wait} s.",
        headers={"Retry-After": str(taken.wait)},
    )


class Policies:
    """The policies in force."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.authenticated = Policy("authenticated", settings.authenticated_rate, settings.authenticated_burst)
        self.anonymous = Policy("anonymous", settings.anonymous_rate, settings.anonymous_burst)
        self.credentials = Policy("credentials", settings.credentials_rate, settings.credentials_burst)


class Addresses:
    """Says where a request comes from: the peer, or what trusted proxies in front say it was before them."""

    def __init__(self, trusted: tuple[str, ...]) -> None:
        self._trusted: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(network) for network in trusted)

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)

    def client(self, peer: str, forwarded_for: bytes | None) -> tuple[str, bool]:
        """Return the caller's address, and whether the peer is a trusted proxy.

        X-Forwarded-For is read from the right, the end that proxies append to, up to the first address that is not a trusted proxy:
        what stands left of it is anybody's word.
        """
        if not self._trusted:
            return peer, False
        found = _parse(peer)
        if found is None or not self._is_trusted(found):
            return peer, False
        client = found
        for part in reversed((forwarded_for or b"").decode("latin-1").split(",")):
            address = _parse(part.strip())
            if address is None:
                break
            client = address
            if not self._is_trusted(address):
                break
        return str(client), True


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def partition(address: str) -> str:
    """Return what an address is counted as: an IPv6 caller owns a whole /64, so that is one caller."""
    if ":" not in address:
        return address
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), IPV6_SITE_BITS), strict=False))
    return str(parsed or address)
