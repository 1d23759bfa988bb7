"""Bodies and mentions."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chassis.requests import CONTROL
from content.text import Body, Section, Title, mentions

body, title, section = TypeAdapter(Body), TypeAdapter(Title), TypeAdapter(Section)


def test_mentions_are_distinct_and_in_order() -> None:
    ann, ben = uuid4(), uuid4()
    text = f"<@{ben}> and <@{str(ann).upper()}>, <@{ben}>; not <@ann>, <@{ann.hex}>, @{ann}, <@{ann}"
    assert mentions(text) == [ben, ann]
    assert mentions("") == []


@given(st.lists(st.one_of(st.uuids(), st.text(max_size=5)), max_size=20))
def test_every_mention_is_found(parts: list[UUID | str]) -> None:
    text = " ".join(f"<@{part}>" if isinstance(part, UUID) else part for part in parts)
    wanted = dict.fromkeys(part for part in parts if isinstance(part, UUID))
    assert mentions(text) == list(wanted)


@given(st.text())
def test_what_passes_is_text(text: str) -> None:
    try:
        passed = body.validate_python(text)
    except ValidationError:
        return
    assert passed.strip()
    assert not CONTROL.search(passed)
    assert "\r" not in passed
    assert body.validate_python(passed) == passed


@pytest.mark.parametrize("text", ["a\tb\nc", "👩‍💻", "x" * 100_000, "  x  "])
def test_bodies(text: str) -> None:
    assert body.validate_python(text) == text


def test_titles_and_sections_are_one_line() -> None:
    assert title.validate_python("  每日 一词 ") == "每日 一词"
    assert section.validate_python("每日一词") == "每日一词"
    for adapter, text in ((title, "a\nb"), (title, "a\rb"), (title, "   "), (section, "a b"), (section, "a\u00a0b")):
        with pytest.raises(ValidationError):
            adapter.validate_python(text)
