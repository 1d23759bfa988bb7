"""Where we may send to: what URLs and addresses of endpoints are refused. Decided over plain values, without asking anybody.

A name says nothing of the address behind it, which may change between two questions: `gateway.dialing` judges by the same rules what is
really dialled.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal
from urllib.parse import SplitResult, quote, urlsplit

import idna

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
FaultCode = Literal[
    "url_malformed",
    "url_too_long",
    "scheme_refused",
    "credentials_refused",
    "fragment_refused",
    "host_malformed",
    "host_refused",
    "address_refused",
    "port_refused",
]

LONGEST_URL = 2000
LONGEST_HOST = 253
HIGHEST_PORT = 65_535
FIRST_FREE_PORT = 1024
PORTS: dict[str, int] = {"http": 80, "https": 443}

# Ports above 1023 that browsers refuse too, and those of databases, queues, caches and administration: an endpoint listens on none of them,
# and several understand enough of a request to act upon it.
KNOWN_SERVICES = frozenset(
    {
        *(
            1719,
            1720,
            1723,
            2049,
            3659,
            4045,
            4190,
            5060,
            5061,
            6000,
            6566,
            6665,
            6666,
            6667,
            6668,
            6669,
            6679,
            6697,
            10080,
        ),
        *(
            1433,
            1434,
            1521,
            3050,
            3306,
            5432,
            5433,
            5984,
            6379,
            6380,
            6432,
            7687,
            8086,
            9042,
            9160,
            9200,
            9300,
            11211,
            26379,
        ),
        *(27017, 27018, 27019, 28017),
        *(1883, 4222, 4369, 5671, 5672, 6222, 8222, 8883, 9092, 9093, 15672, 25672, 61613, 61616),
        *(2181, 2375, 2376, 2377, 2379, 2380, 3389, 5900, 5901, 5985, 5986, 6443, 8200, 8500, 8600, 9418),
        *(10248, 10249, 10250, 10255, 10256, 10257, 10259),
    }
)

# IANA's special-purpose registries, multicast, what is reserved, and two services of clouds that stand on addresses like any other.
REFUSED = tuple(
    IPv4Network(network)
    for network in (
        *(
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
        ),
        *(
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
        "168.63.129.16/32",  # Azure's platform: machine configuration to whoever asks
    )
)
# Of IPv6 only global unicast is dialled, without its special parts (Teredo and ORCHID are in 2001::/23).
GLOBAL_UNICAST = IPv6Network("2000::/3")
REFUSED_SIX = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "3fff::/20"))
MAPPED = IPv6Network("::ffff:0:0/96")
NAT64 = IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = IPv6Network("2002::/16")
ISATAP = (0x00005EFE, 0x02005EFE)

# Names that mean something only inside. A name of one label is one too.
INSIDE = (
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "svc",
    "onion",
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_AUTHORITY = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class UrlFault:
    """Why a URL is refused: a stable code and words for whoever gave it."""

    code: FaultCode
    detail: str


class _RefusedError(Exception):
    def __init__(self, code: FaultCode, detail: str) -> None:
        super().__init__(detail)
        self.fault = UrlFault(code, detail)


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL that may be tried. `url` is its one spelling; `address` is there when the host is one."""

    url: str
    scheme: str
    host: str
    port: int
    address: Address | None


def embedded(address: Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 address stands for on its way: mapped, NAT64, 6to4, ISATAP."""
    if isinstance(address, IPv4Address):
        return ()
    number = int(address)
    found = []
    if address in MAPPED or address in NAT64:
        found.append(IPv4Address(number & 0xFFFFFFFF))
    if address in SIX_TO_FOUR:
        found.append(IPv4Address(number >> 80 & 0xFFFFFFFF))
    if (number >> 32 & 0xFFFFFFFF) in ISATAP:
        found.append(IPv4Address(number & 0xFFFFFFFF))
    return tuple(found)


def is_listed(address: Address, allowed: Sequence[Network]) -> bool:
    """Say whether the operator allows this address by name, however it is written."""
    spellings: tuple[Address, ...] = (address, *embedded(address)[:1])
    return any(spelling in network for spelling in spellings for network in allowed)


def is_public(address: Address) -> bool:
    """Say whether an address belongs to the open internet, and what it stands for too."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED)
    if getattr(address, "scope_id", None) is not None:
        return False
    if not all(is_public(inner) for inner in embedded(address)):
        return False
    if address in MAPPED or address in NAT64:
        return True
    return address in GLOBAL_UNICAST and not any(address in network for network in REFUSED_SIX)


def may_dial(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Say whether an address may be dialled: it is public, or the operator allows it."""
    return is_public(address) or is_listed(address, allowed)


def is_known_service(port: int) -> bool:
    """Say whether a port belongs to something that is no endpoint, or to nothing at all."""
    if port in PORTS.values():
        return False
    return not FIRST_FREE_PORT <= port <= HIGHEST_PORT or port in KNOWN_SERVICES


def examine(url: str, allowed: Sequence[Network] = ()) -> Destination | UrlFault:
    """Return where a URL leads in its one spelling, or why nothing is sent there.

    `allowed` are private networks of the operator. Only with them may a URL be plain http or name a host that means something only inside;
    whether its address is in them is then judged when it is dialled.
    """
    try:
        parts = _parts(url)
        host, port = _host_and_port(parts)
        _check_place(parts.scheme, host, allowed)
        return _destination(parts, host, port)
    except _RefusedError as refused:
        return refused.fault


def _parts(url: str) -> SplitResult:
    if len(url) > LONGEST_URL:
        raise _RefusedError("url_too_long", f"The URL has {len(url)} characters; it may have {LONGEST_URL}.")
    # urlsplit would drop tabs and line ends without a word, and browsers read a backslash as a slash.
    if any(unicodedata.category(character)[0] in "CZ" or character == "\\" for character in url):
        raise _RefusedError("url_malformed", "The URL holds a blank, a control character or a backslash.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _RefusedError("url_malformed", "This is no URL.") from None
    if parts.scheme not in PORTS:
        raise _RefusedError("scheme_refused", "An endpoint is reached by https://.")
    if "@" in parts.netloc:
        raise _RefusedError(
            "credentials_refused", "Credentials do not belong into a URL, where logs show them; send a header."
        )
    if "#" in url:
        raise _RefusedError("fragment_refused", "A fragment is never sent; leave it out.")
    return parts


def _host_and_port(parts: SplitResult) -> tuple[str | Address, int]:
    found = _AUTHORITY.fullmatch(parts.netloc)
    if found is None:
        raise _RefusedError("host_malformed", "The URL needs a host, and after it nothing but a port.")
    host = _host(found["name"]) if found["six"] is None else _address_in_brackets(found["six"])
    port = int(found["port"]) if found["port"] else PORTS[parts.scheme]
    if is_known_service(port):
        raise _RefusedError(
            "port_refused",
            f"Port {port} is not open to endpoints: take 443 or one above 1023 that no known service uses.",
        )
    return host, port


def _address_in_brackets(text: str) -> Address:
    # A zone id names a network card of ours.
    if "%" in text:
        raise _RefusedError("host_malformed", "An address with a zone means something only on the machine itself.")
    try:
        return IPv6Address(text)
    except ValueError:
        raise _RefusedError("host_malformed", "What stands in brackets is no IPv6 address.") from None


def _host(text: str) -> str | Address:
    """Return a host in its one spelling: an address, or a name in small ASCII letters without a dot at its end."""
    try:
        name = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode()
    except UnicodeError:  # idna's own errors are of this kind
        raise _RefusedError("host_malformed", "The host is no name that the internet knows.") from None
    labels = name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _address(".".join(labels))
    if len(name) > LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise _RefusedError("host_malformed", "The host is no name that the internet knows.")
    return ".".join(labels)


def _address(text: str) -> Address:
    # Resolvers read 2130706433, 0x7f.1, 0177.0.0.1 and 127.1 as 127.0.0.1; a name never ends in a number, so nothing else is refused here.
    try:
        return IPv4Address(text)
    except ValueError:
        raise _RefusedError(
            "host_malformed", "An IPv4 address is written as four numbers from 0 to 255 without leading zeros."
        ) from None


def _check_place(scheme: str, host: str | Address, allowed: Sequence[Network]) -> None:
    if isinstance(host, str):
        plain = scheme == "http" and not allowed
        if not allowed and ("." not in host or host.endswith(tuple(f".{name}" for name in INSIDE))):
            raise _RefusedError("host_refused", "This name means something only inside a network.")
    else:
        plain = scheme == "http" and not is_listed(host, allowed)
        if not may_dial(host, allowed):
            raise _RefusedError("address_refused", "This address is not on the open internet.")
    if plain:
        raise _RefusedError("scheme_refused", "An endpoint is reached by https://.")


def _destination(parts: SplitResult, host: str | Address, port: int) -> Destination:
    # A mapped address is dialled as what it stands for, so that its log says so.
    address = None if isinstance(host, str) else host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    name = str(host) if address is None else str(address)
    authority = f"[{name}]" if ":" in name else name
    if port != PORTS[parts.scheme]:
        authority += f":{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=-._~?") if parts.query else ""
    url = f"{parts.scheme}://{authority}{path}{query}"
    if len(url) > LONGEST_URL:
        raise _RefusedError(
            "url_too_long", f"Written in ASCII the URL has {len(url)} characters; it may have {LONGEST_URL}."
        )
    return Destination(url, parts.scheme, name, port, address)


examine_again = lru_cache(maxsize=8192)(examine)
"""`examine` for a URL that is sent to over and over; `allowed` must be a tuple."""
