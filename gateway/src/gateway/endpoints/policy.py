"""What an endpoint may be: which headers of its own it is sent, and what may be done with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MOST_ENDPOINTS = 20_000
"""Of one organization."""
MOST_HEADERS = 20
LONGEST_NAME = 64
LONGEST_VALUE = 1024
MOST_BYTES = 4096

# Ours, those that say how the message is framed or that belong to one connection (RFC 9110, section 7.6.1), and those by which a proxy on
# the way would be made to believe something.
RESERVED = frozenset(
    {
        *(
            "host",
            "content-length",
            "content-type",
            "content-encoding",
            "transfer-encoding",
            "te",
            "trailer",
            "expect",
            "upgrade",
        ),
        *(
            "connection",
            "keep-alive",
            "proxy-connection",
            "proxy-authorization",
            "proxy-authenticate",
            "http2-settings",
        ),
        *(
            "cookie",
            "accept-encoding",
            "date",
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-real-ip",
        ),
    }
)
RESERVED_BEGINNINGS = ("webhook-", "svix-", "hearth-", "proxy-", "sec-")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, token
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")

HeaderFaultCode = Literal[
    "too_many_headers",
    "headers_too_large",
    "name_malformed",
    "name_reserved",
    "name_repeated",
    "value_malformed",
]


@dataclass(frozen=True, slots=True)
class HeaderFault:
    """Why a header is refused: which one (None when all together), a stable code and words."""

    name: str | None
    code: HeaderFaultCode
    detail: str


def can(enabled: bool) -> list[str]:  # noqa: FBT001  one fact
    """Return what whoever sees an endpoint may do with it."""
    turn = "disable" if enabled else "enable"
    return ["edit", "delete", turn, *(["ping"] if enabled else []), "read_secrets", "rotate_secret"]


def header_faults(headers: Mapping[str, str]) -> tuple[HeaderFault, ...]:
    """Return what is wrong with the headers that a partner wants to be sent, nothing when they are fine."""
    if len(headers) > MOST_HEADERS:
        return (
            HeaderFault(None, "too_many_headers", f"There are {len(headers)} headers; there may be {MOST_HEADERS}."),
        )
    faults = [fault for name, value in headers.items() if (fault := _fault(name, value))]
    seen: set[str] = set()
    for name in headers:
        if name.lower() in seen:
            faults.append(HeaderFault(name, "name_repeated", "A name stands here once, in large or small letters."))
        seen.add(name.lower())
    if not faults and sum(len(name) + len(value) for name, value in headers.items()) > MOST_BYTES:
        faults.append(HeaderFault(None, "headers_too_large", f"Together they may have {MOST_BYTES} characters."))
    return tuple(faults)


def _fault(name: str, value: str) -> HeaderFault | None:
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        return HeaderFault(name, "name_malformed", f"A name has 1 to {LONGEST_NAME} letters, digits and hyphens.")
    if name.lower() in RESERVED or name.lower().startswith(RESERVED_BEGINNINGS):
        return HeaderFault(name, "name_reserved", "This header is set by us, or by the connection.")
    # Line ends would begin another header; what is not ASCII is read differently by every receiver.
    if len(value) > LONGEST_VALUE or not _VALUE.fullmatch(value):
        detail = f"A value has 1 to {LONGEST_VALUE} printable ASCII characters, with no blank at either end."
        return HeaderFault(name, "value_malformed", detail)
    return None
