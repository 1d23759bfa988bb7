"""The golden schemas: what was published once is what consumers rely on, so events change by addition only."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts import golden
from contracts.base import Event, example_of
from contracts.catalogue import BY_TYPE

FOLDER = Path(__file__).parents[2] / "libs/contracts/golden"


@pytest.mark.parametrize("event", BY_TYPE.values(), ids=lambda event: event.type)
def test_every_event_matches_its_golden_schema(event: type[Event]) -> None:
    path = FOLDER / f"{event.type}.json"
    assert path.exists(), f"{event.type} has no golden schema: run `make goldens`"
    before = json.loads(path.read_text())
    assert golden.incompatibilities(before, golden.schema_of(event)) == []
    assert before == golden.schema_of(event), "an addition: run `make goldens` and commit it"


def test_no_golden_is_left_without_its_event() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(BY_TYPE)


@pytest.mark.parametrize("event", BY_TYPE.values(), ids=lambda event: event.type)
def test_every_event_has_an_example_that_it_accepts(event: type[Event]) -> None:
    assert event.read(example_of(event)).model_dump(mode="json") == example_of(event)


@pytest.mark.parametrize("event", BY_TYPE.values(), ids=lambda event: event.type)
def test_no_event_carries_personal_data(event: type[Event]) -> None:
    personal = {
        "name",
        "display_name",
        "email",
        "phone",
        "avatar",
        "avatar_url",
        "body",
        "title",
        "message",
        "address",
        "bio",
    }
    assert personal.isdisjoint(event.model_fields)


BASE: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string", "format": "uuid"}, "state": {"enum": ["a", "b"], "type": "string"}},
    "required": ["id", "state"],
}


def changed(**properties: Any) -> dict[str, Any]:
    return {**BASE, "properties": {**BASE["properties"], **properties}}


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({**BASE, "properties": {"id": BASE["properties"]["id"]}, "required": ["id"]}, "/state was removed"),
        (changed(id={"type": "integer"}), "/id changed"),
        ({**BASE, "required": ["id"]}, "/state is not required any more"),
        (changed(state={"enum": ["a"], "type": "string"}), "/state changed"),
        (changed(state={"enum": ["a", "b", "c"], "type": "string"}), "/state changed"),
    ],
)
def test_a_breaking_change_is_refused(after: dict[str, Any], words: str) -> None:
    assert any(words in found for found in golden.incompatibilities(BASE, after))


def test_an_addition_is_no_breaking_change() -> None:
    after = changed(more={"type": "string"})
    assert golden.incompatibilities(BASE, after) == []
    assert golden.incompatibilities(BASE, {**after, "required": ["id", "state", "more"]}) == []


def test_the_catalogue_in_docs_is_current() -> None:
    path = Path(__file__).parents[2] / "docs/events.md"
    assert path.read_text() == golden.catalogue(), "run `make goldens`"
