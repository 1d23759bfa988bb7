"""Signed addresses: good for one thing, for a while."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.media.policy import Variant
from content.media.signing import Granted, Signer, rounded_expiry

ORGANIZATION, MEDIA, OTHER = (UUID(int=number) for number in (1, 2, 3))
THEN = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN = Signer("a").token(ORGANIZATION, MEDIA, Variant.SMALL, THEN)


def test_a_token_says_whose_and_until_when() -> None:
    assert Signer("a").read(TOKEN, MEDIA, "small") == Granted(ORGANIZATION, THEN)


@pytest.mark.parametrize(
    ("secret", "media", "variant"), [("b", MEDIA, "small"), ("a", OTHER, "small"), ("a", MEDIA, "original")]
)
def test_it_opens_nothing_else(secret: str, media: UUID, variant: str) -> None:
    assert Signer(secret).read(TOKEN, media, variant) is None


@given(st.text(max_size=80))
def test_what_nobody_signed_opens_nothing(token: str) -> None:
    assert Signer("a").read(token, MEDIA, "small") is None


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCxyz019-_"))
def test_a_token_with_another_character_opens_nothing(place: int, character: str) -> None:
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    read = Signer("a").read(changed, MEDIA, "small")
    assert read == (Granted(ORGANIZATION, THEN) if changed == TOKEN else None)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), st.integers(60, 86400))  # noqa: DTZ001  made aware below
def test_addresses_stay_the_same_for_a_while(naive: datetime, seconds: int) -> None:
    now = naive.replace(tzinfo=UTC)
    expires = rounded_expiry(now, seconds)
    assert timedelta(seconds=seconds) < expires - now + timedelta(seconds=1) <= timedelta(seconds=seconds * 1.25 + 1)
    step = seconds // 4
    assert rounded_expiry(expires - timedelta(seconds=seconds + step), seconds) == expires
    assert rounded_expiry(expires - timedelta(seconds=seconds + 1), seconds) == expires
