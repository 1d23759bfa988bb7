"""The bodies of webhooks: thin, of one form, and never more than a partner may read."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.base import Envelope, Event, example_of
from contracts.catalogue import BY_TYPE, FOR_PARTNERS
from contracts.content import PostPublished, PostsRead
from contracts.members import TierStandardAdopted
from gateway.catalogue.payloads import MOST_BYTES, PING, payload_for, ping_for

AT = datetime(2026, 11, 22, 15, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))


def enveloped(event: type[Event], data: dict[str, Any] | None = None, **given: Any) -> Envelope:
    return Envelope(
        **{
            "id": uuid4(),
            "source": f"/hearth/{event.service()}",
            "type": event.type,
            "subject": "x/y",
            "time": AT,
            "organization": uuid4(),
            "community": uuid4(),
            "actor": uuid4(),
            "aggregate": event.aggregate,
            "aggregateid": uuid4(),
            "aggregateversion": 7,
            "recordedtime": AT,
            "data": example_of(event) if data is None else data,
            **given,
        }
    )


@pytest.mark.parametrize("event", FOR_PARTNERS.values(), ids=lambda event: event.type)
def test_every_event_has_a_body_of_one_form(event: type[Event]) -> None:
    envelope = enveloped(event)
    body = payload_for(envelope)
    assert body is not None
    assert len(body) < MOST_BYTES
    assert orjson.loads(body) == {
        "type": event.type,
        "timestamp": "2026-11-22T07:30:00.123456Z",
        "subject": {"type": event.aggregate, "id": str(envelope.aggregateid), "version": 7},
        "community_id": str(envelope.community),
        "data": event.read(example_of(event)).for_partners(),
    }
    assert payload_for(envelope) == body


@pytest.mark.parametrize("event", BY_TYPE.values(), ids=lambda event: event.type)
def test_internal_events_have_none(event: type[Event]) -> None:
    assert (payload_for(enveloped(event)) is None) == (not event.partners)


def test_who_acted_and_for_whom_is_not_in_the_body() -> None:
    envelope = enveloped(PostPublished)
    body = payload_for(envelope) or b""
    assert str(envelope.actor).encode() not in body
    assert str(envelope.organization).encode() not in body


def test_an_event_without_a_community_says_so() -> None:
    assert orjson.loads(payload_for(enveloped(PostPublished, community=None)) or b"")["community_id"] is None


def test_what_a_newer_publisher_added_is_left_out() -> None:
    body = payload_for(enveloped(PostPublished, {**example_of(PostPublished), "novelty": "a person's name"}))
    assert b"novelty" not in (body or b"")
    assert b"a person's name" not in (body or b"")


def test_an_unknown_type_is_not_told() -> None:
    assert payload_for(enveloped(PostPublished, type="content.post.sung.v1")) is None


def test_data_that_is_not_of_its_type_is_refused() -> None:
    with pytest.raises(ValidationError):
        payload_for(enveloped(PostPublished, {"post_id": "no id"}))


@given(st.integers(min_value=0, max_value=3000))
def test_lists_of_any_length_fit_or_are_left_out(count: int) -> None:
    ids = [str(UUID(int=number)) for number in range(count)]
    body = payload_for(enveloped(PostsRead, {**example_of(PostsRead), "post_ids": ids})) or b""
    assert len(body) < MOST_BYTES
    told = orjson.loads(body)
    if told.get("truncated"):
        assert told["data"] == {}
        assert len(orjson.dumps(ids)) > MOST_BYTES - 700
    else:
        assert told["data"]["post_ids"] == ids
        assert "truncated" not in told


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=4000), st.integers(min_value=1, max_value=30))
def test_bytes_are_counted_and_not_characters(words: str, tiers: int) -> None:
    standard = {
        **example_of(TierStandardAdopted),
        "tiers": [{"code": words, "privileges": [{"code": "x", "params": {words: words}}]}] * tiers,
    }
    body = payload_for(enveloped(TierStandardAdopted, standard)) or b""
    assert len(body) < MOST_BYTES
    assert orjson.loads(body)["type"] == TierStandardAdopted.type


@pytest.mark.parametrize("size", [-1, 0, 1])
def test_the_limit_is_exact(size: int) -> None:
    envelope = enveloped(PostPublished, {**example_of(PostPublished), "section": ""})
    room = MOST_BYTES - len(payload_for(envelope) or b"")
    filled = envelope.model_copy(update={"data": {**envelope.data, "section": "x" * (room + size)}})
    body = payload_for(filled) or b""
    if size < 0:
        assert len(body) == MOST_BYTES - 1
    else:
        assert orjson.loads(body)["truncated"] is True


def test_a_ping_has_the_form_of_an_event() -> None:
    endpoint = uuid4()
    assert orjson.loads(ping_for(endpoint, 3, AT.astimezone(UTC))) == {
        "type": PING,
        "timestamp": "2026-11-22T07:30:00.123456Z",
        "subject": {"type": "endpoint", "id": str(endpoint), "version": 3},
        "community_id": None,
        "data": {"endpoint_id": str(endpoint)},
    }
    assert PING not in BY_TYPE
