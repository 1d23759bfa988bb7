"""Which links are shown as links, and where plain text holds one."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LONGEST_LINK = 2_048
SCHEMES = frozenset({"http", "https", "mailto", "tel"})
REL = "nofollow ugc noopener noreferrer"

# Addresses are ASCII: what follows one without a space in Chinese text is no part of it.
_ADDRESS = re.compile(r"(?<![A-Za-z0-9])https?://[A-Za-z0-9\[][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*", re.IGNORECASE)
_TRAILING = ".,;:!?'*_~"
_MEDIA = re.compile(r"media:([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\uffff\\<>\"`{}|^]")


def safe(href: str) -> str | None:
    """Return a link's address when it may be followed, None otherwise.

    It is absolute, of the web, mail or telephone, ASCII (markdown-it encodes), names no user before its host, which only serves to
    deceive, and is not longer than browsers take.
    """
    if not 1 <= len(href) <= LONGEST_LINK or _UNSAFE.search(href):
        return None
    try:
        parts = urlsplit(href)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in SCHEMES:
        return None
    if scheme in {"mailto", "tel"}:
        return href if parts.path and not parts.netloc else None
    if not parts.hostname or "@" in parts.netloc or port == 0:
        return None
    return href


def media_of(source: str) -> str | None:
    """Return the id of the upload that an image names as `media:ID`; other images are never loaded from where they are."""
    found = _MEDIA.fullmatch(source)
    return found[1].lower() if found else None


def split(text: str) -> list[tuple[str, str | None]]:
    """Return a plain text in pieces, each with its address where it is one."""
    pieces: list[tuple[str, str | None]] = []
    end = 0
    for found in _ADDRESS.finditer(text):
        address = _trimmed(found[0])
        if safe(address) is None:
            continue
        if found.start() > end:
            pieces.append((text[end : found.start()], None))
        pieces.append((address, address))
        end = found.start() + len(address)
    if end < len(text):
        pieces.append((text[end:], None))
    return pieces


def _trimmed(address: str) -> str:
    """Return an address without the punctuation of the sentence around it: a closing bracket counts when it was not opened inside."""
    closing = {closes: address.count(closes) - address.count(opens) for opens, closes in ("()", "[]")}
    end = len(address)
    while end:
        last = address[end - 1]
        if last in closing and closing[last] > 0:
            closing[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return address[:end]
