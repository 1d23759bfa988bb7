"""What a password may be, how long a lockout lasts, and what counts as one client."""

from __future__ import annotations

import ipaddress
import math
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 128
IPV6_PREFIX = 64

# Of the lists of leaked passwords, the most common that are long enough to pass otherwise.
COMMON = frozenset(
    [
        "1234567890",
        "0123456789",
        "0987654321",
        "9876543210",
        "1234512345",
        "1122334455",
        "12345678910",
        "123456789a",
        "123456789q",
        "a123456789",
        "q123456789",
        "1234567891",
        "12345678900",
        "123123123123",
        "112233445566",
        "1029384756",
        "1q2w3e4r5t",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "qwertyuiop",
        "qwerty12345",
        "qwerty1234",
        "qwerty123456",
        "qwertyuiop123",
        "1234qwerty",
        "asdfghjkl1",
        "asdfghjkl;",
        "zxcvbnm123",
        "qazwsxedcr",
        "password12",
        "password123",
        "password1234",
        "password12345",
        "passw0rd123",
        "password!!",
        "password123!",
        "p@ssword123",
        "p@ssw0rd123",
        "iloveyou12",
        "iloveyou123",
        "iloveyou1234",
        "woaini1314",
        "woaini1314520",
        "woaini520",
        "5201314520",
        "5201314woaini",
        "1314520520",
        "letmein123",
        "welcome123",
        "welcome1234",
        "welcome2024",
        "welcome2025",
        "welcome2026",
        "changeme123",
        "administrator",
        "admin12345",
        "admin123456",
        "administrator1",
        "football123",
        "baseball123",
        "basketball",
        "superman123",
        "sunshine123",
        "princess123",
        "dragon1234",
        "monkey12345",
        "michael123",
        "abc1234567",
        "abcd123456",
        "abcdefghij",
        "abcd1234abcd",
        "abc123abc123",
        "aa12345678",
        "aa123456789",
        "computer123",
        "internet123",
        "samsung123",
        "liverpool123",
        "chelsea123",
        "charlie123",
        "jennifer123",
        "unknown123",
        "trustno1trustno1",
        "zaq12wsxcde3",
        "zaq1zaq1zaq1",
        "q1w2e3r4t5",
        "q1w2e3r4t5y6",
        "asdf123456",
        "asdfasdfasdf",
        "qweasdzxc123",
        "qweqweqwe123",
        "testtest123",
        "test123456",
        "guest12345",
        "default123",
        "secret1234",
        "master1234",
        "hello12345",
        "whatever123",
        "starwars123",
        "pokemon123",
        "naruto1234",
    ]
)


def normalise_password(password: str) -> str:
    """Return the form that is hashed: NFC, so that another keyboard's way to write é still signs in."""
    return unicodedata.normalize("NFC", password)


def password_fault(password: str, email: str) -> tuple[str, str] | None:
    """Return (code, words) of what is wrong with a password, None when nothing is. `email` is normalised."""
    normal = normalise_password(password)
    if len(normal) < SHORTEST_PASSWORD:
        return "password-too-short", f"At least {SHORTEST_PASSWORD} characters."
    if len(normal) > LONGEST_PASSWORD:
        return "password-too-long", f"At most {LONGEST_PASSWORD} characters."
    plain = normal.casefold().strip()
    if plain == email.casefold():
        return "password-is-email", "The e-mail address is no secret."
    if plain in COMMON or len(set(plain)) <= 2:  # noqa: PLR2004  one or two characters over and over
        return "password-too-common", "This is one of the passwords that are tried first."
    return None


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failures are free, how long the first lockout lasts and the longest, when all is forgotten, and one of them at a time."""

    free: int
    first: timedelta
    longest: timedelta
    forgotten_after: timedelta
    one_forgotten_every: timedelta | None = None


IDENTITY = Limit(free=5, first=timedelta(minutes=1), longest=timedelta(minutes=15), forgotten_after=timedelta(hours=24))
# An address may be a school behind one router, whose people mistype now and then all day and must not add up to a lockout.
ADDRESS = Limit(
    free=50,
    first=timedelta(minutes=1),
    longest=timedelta(minutes=15),
    forgotten_after=timedelta(hours=24),
    one_forgotten_every=timedelta(minutes=10),
)


@dataclass(frozen=True, slots=True)
class Failures:
    """What is known of the failures of one identity or address: how many counted, as of when, and until when nothing may be tried."""

    count: int
    counted_at: datetime
    locked_until: datetime | None


def remembered(limit: Limit, known: Failures | None, now: datetime) -> Failures:
    """Return what is left of earlier failures now."""
    if known is None or now - known.counted_at >= limit.forgotten_after:
        return Failures(0, now, None)
    if limit.one_forgotten_every is None or now <= known.counted_at:
        return known
    forgotten = (now - known.counted_at) // limit.one_forgotten_every
    if forgotten >= known.count:
        return Failures(0, now, known.locked_until)
    # What has begun to fade goes on fading: the time moves by whole failures only.
    return Failures(
        known.count - forgotten, known.counted_at + forgotten * limit.one_forgotten_every, known.locked_until
    )


def after_failure(limit: Limit, known: Failures | None, now: datetime) -> Failures:
    """Return what is known after one more failure; from the last free one on, each locks out twice as long as the one before."""
    before = remembered(limit, known, now)
    count = before.count + 1
    counted_at = before.counted_at if limit.one_forgotten_every else now
    if count < limit.free:
        return Failures(count, counted_at, before.locked_until)
    # Past the longest lockout the power would only grow the number.
    doublings = min(count - limit.free, math.ceil(math.log2(limit.longest / limit.first)))
    return Failures(count, counted_at, now + min(limit.first * 2**doublings, limit.longest))


def locked_for(limit: Limit, known: Failures | None, now: datetime) -> int:
    """Return for how many whole seconds more nothing may be tried, 0 when something may."""
    if known is None or known.locked_until is None or known.locked_until <= now:
        return 0
    # A clock that was set back must not lock anybody out for longer than the rule says.
    return math.ceil(min(known.locked_until - now, limit.longest).total_seconds())


def network_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 that an IPv6 subscriber has; as it is when it is no address."""
    try:
        parsed = ipaddress.ip_address(address.strip().strip("[]").partition("%")[0])
    except ValueError:
        return address.strip()
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)


def client_address(peer: str, forwarded_for: list[str]) -> str:
    """Return the address of the client: the last hop of X-Forwarded-For, which the gateway wrote; what is before it anybody may have."""
    hops = [hop.strip() for hop in ",".join(forwarded_for).split(",") if hop.strip()]
    return network_of(hops[-1] if hops else peer)
