"""Links, written out or disguised (`hxxp://`, `example[.]com`, `例子点com`), judged by the host that they lead to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from content.moderation.detection.words import MOST_SPANS, Span
from content.moderation.folding import Folded

SHORTENERS = frozenset(
    [
        "t.cn",
        "dwz.cn",
        "url.cn",
        "suo.im",
        "suo.nz",
        "u.nu",
        "mrw.so",
        "t.hk",
        "6du.in",
        "985.so",
        "bit.ly",
        "bitly.com",
        "tinyurl.com",
        "t.co",
        "goo.gl",
        "ow.ly",
        "is.gd",
        "v.gd",
        "buff.ly",
        "rebrand.ly",
        "cutt.ly",
        "rb.gy",
        "shorturl.at",
        "s.id",
        "t.ly",
        "tiny.cc",
        "lnkd.in",
        "surl.li",
        "dub.sh",
        "short.gy",
        "reurl.cc",
    ]
)
"""Hosts that only lead to other hosts."""
# Names end in these often enough that one without a scheme or a path is taken for a link; `node.js` and `e.g.` are none.
_BARE_ENDINGS = frozenset(
    [
        "com",
        "cn",
        "net",
        "org",
        "top",
        "xyz",
        "vip",
        "shop",
        "site",
        "online",
        "club",
        "info",
        "biz",
        "cc",
        "tv",
        "me",
        "io",
        "co",
        "app",
        "dev",
        "ltd",
        "pro",
        "live",
        "link",
        "ink",
        "fun",
        "icu",
        "store",
        "tech",
        "hk",
        "tw",
        "ru",
        "uk",
        "de",
        "fr",
        "jp",
        "kr",
        "us",
        "eu",
        "ai",
        "gg",
        "ly",
        "to",
        "sh",
        "im",
        "am",
        "fm",
        "vc",
        "work",
        "wang",
        "ren",
        "red",
        "mobi",
        "asia",
        "edu",
        "gov",
    ]
)
_DOT = r"(?:\.|。|\s?[\[(【{]\s?(?:\.|dot|点)\s?[\])】}]\s?|\sdot\s|点)"
_BARE = re.compile(rf"(?<![a-z0-9-])[a-z0-9-]++(?:{_DOT}[a-z0-9-]++)+")
_WITH_SCHEME = re.compile(
    r"(?:[a-z][a-z0-9+-]{1,9}\s?:\s?/\s?/\s?|(?<![\w.])//)(?:[^\s/@]{0,200}@)?(?P<host>[^\s/?#@:,，)）>\"']{1,253})"
)
_DOTS = re.compile(_DOT)
# What a host has at least between its names; a text without any is not read further.
_DOT_SIGNS = (".", "。", "dot", "点")
_OWN_LETTERS = re.compile(r"[^\x00-\x7f]")
_TOP_LEVEL = re.compile(r"[a-z]{2,24}")
_NUMERIC = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


class Link(NamedTuple):
    """One link: its host, folded; whether the host is written with the letters that it seems to be; and where it stands."""

    host: str
    honest: bool
    span: Span


@dataclass(frozen=True, slots=True)
class LinkRule:
    """Which links are found: those to denied hosts, to shorteners, and with `only_allowed` all that are not allowed.

    A host stands for its subdomains too. What is allowed is never found, unless look-alike letters only make it seem so.
    """

    only_allowed: bool = False
    denied: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    shorteners: bool = True

    def finds(self, link: Link) -> bool:
        """Return whether the rule is about this link."""
        if link.honest and _covers(self.allowed, link.host):
            return False
        return (
            self.only_allowed
            or not link.honest
            or _covers(self.denied, link.host)
            or (self.shorteners and _covers(SHORTENERS, link.host))
        )


def _covers(hosts: frozenset[str], host: str) -> bool:
    labels = host.split(".")
    return any(".".join(labels[step:]) in hosts for step in range(len(labels)))


def links(original: str, folded: Folded) -> Iterator[Link]:
    """Yield the links of a text; `folded` is its plain form."""
    text = folded.text
    taken = 0
    for start, end in _hosts(text):
        if start < taken:
            continue
        taken = end
        span = folded.span(start, end)
        host = _DOTS.sub(".", text[start:end]).strip(".-")
        yield Link(host.removeprefix("www."), _honest(original[slice(*span)], host), span)


def _hosts(text: str) -> list[Span]:
    """Return where hosts stand, in order, those with a scheme before those that only look like one."""
    found = [match.span("host") for match in _WITH_SCHEME.finditer(text)] if "/" in text else []
    if not any(sign in text for sign in _DOT_SIGNS):
        return found
    for match in _BARE.finditer(text):
        start, end = match.span()
        labels = _DOTS.sub(".", match[0]).strip(".-").split(".")
        if text[start - 1 : start] == "@" and start:
            continue
        if text[end : end + 1] == "@":
            continue
        path = text[end : end + 1] in {"/", "?"} and text[end + 1 : end + 2].strip()
        known = labels[0] == "www" or labels[-1] in _BARE_ENDINGS or (path and _TOP_LEVEL.fullmatch(labels[-1]))
        numeric = path and _NUMERIC.fullmatch(".".join(labels))
        if len(labels) > 1 and (known or numeric):
            found.append((start, end))
    return sorted(found, key=lambda span: (span[0], -span[1]))


def _honest(written: str, host: str) -> bool:
    """Return whether a host is written with the letters as which it is read, full width and case aside."""
    plain = unicodedata.normalize("NFKC", written).casefold()
    plain = "".join(one for one in plain if unicodedata.category(one) not in {"Cf", "Mn"})
    return not _OWN_LETTERS.search(_DOTS.sub(".", plain)) or _OWN_LETTERS.search(host) is not None


def find(original: str, folded: Folded, rule: LinkRule, most: int = MOST_SPANS) -> list[Span]:
    """Return where the links stand that a rule is about."""
    spans: list[Span] = []
    for link in links(original, folded):
        if rule.finds(link):
            spans.append(link.span)
            if len(spans) == most:
                break
    return spans


def clean_host(name: str) -> str | None:
    """Return a host as rules compare it, None when the text is no host name."""
    host = unicodedata.normalize("NFKC", name).casefold().strip().removeprefix("www.").strip(".")
    labels = host.split(".")
    right = all(label and len(label) <= _LONGEST_LABEL and re.fullmatch(r"[\w-]+", label) for label in labels)
    return host if right and len(labels) > 1 else None


_LONGEST_LABEL = 63
