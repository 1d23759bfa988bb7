"""What a text costs hangs on its length alone: the hostile ones of 100,000 characters take no longer than a second."""

import time

import pytest

from content.moderation.detection import contacts, links, sketches
from content.moderation.detection.contacts import Contact
from content.moderation.detection.words import WordList
from content.moderation.folding import compact, plain

WORDS = WordList(["a" * length for length in range(1, 100)] + ["一" * length for length in range(1, 100)])
HOSTILE = [
    "a",
    "a.",
    "1",
    "1 ",
    "微信",
    "a@",
    "[.",
    "//",
    "http://",
    "-",
    "q ",
    "+1",
    "x点",
    "一",
    "\u200b",
    "ﷺ",
    "a\u0301",
    "(a(at)",
    "h:/",
    " dot ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_nothing_is_slow(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    started = time.process_time()
    forms = plain(text), compact(text)
    WORDS.find(forms[1])
    contacts.find(*forms, set(Contact))
    list(links.links(text, forms[0]))
    sketches.sketch(forms[1])
    assert time.process_time() - started < 2
