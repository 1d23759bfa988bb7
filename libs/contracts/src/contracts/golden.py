"""Golden schemas and the event catalogue: generated from the contracts, committed, compared in tests.

`python -m contracts.golden` writes both; it refuses an incompatible change, which is a new version of the event instead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from contracts.base import Envelope, Event, Origin, example_of, stream_of, subject_of
from contracts.catalogue import BY_TYPE

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "libs/contracts/golden"
CATALOGUE = ROOT / "docs/events.md"


def schema_of(event: type[Event]) -> dict[str, Any]:
    """Return the JSON schema of an event's data, without words, which may change freely."""
    schema: dict[str, Any] = _without_words(event.model_json_schema(mode="serialization"))
    return schema


def _without_words(value: Any, *, named: bool = False) -> Any:  # noqa: ANN401  JSON
    """Drop titles, descriptions and examples, except where these are the names of properties."""
    if isinstance(value, dict):
        words = set() if named else {"title", "description", "examples"}
        return {
            key: _without_words(item, named=key in {"properties", "$defs"} and not named)
            for key, item in value.items()
            if key not in words
        }
    if isinstance(value, list):
        return [_without_words(item) for item in value]
    return value


def incompatibilities(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return how `after` breaks those who read `before`: what was there must stay, of the same kind, and required if it was.

    A value added to an enumeration breaks readers too: they fail on what they do not know.
    """
    found = []
    old, new = before.get("properties", {}), after.get("properties", {})
    for name, schema in old.items():
        if name not in new:
            found.append(f"/{name} was removed")
        elif _resolved(schema, before) != _resolved(new[name], after):
            found.append(f"/{name} changed")
        elif name in before.get("required", []) and name not in after.get("required", []):
            found.append(f"/{name} is not required any more")
    return found


def _resolved(value: Any, root: dict[str, Any]) -> Any:  # noqa: ANN401  JSON
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            return _resolved(root["$defs"][reference.rpartition("/")[2]], root)
        return {key: _resolved(item, root) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, root) for item in value]
    return value


def catalogue() -> str:
    """Return the event catalogue as Markdown."""
    lines = [
        "# Event catalogue",
        "",
        "Generated from `libs/contracts` by `make goldens`; do not edit.",
        "",
        "Every event is a [CloudEvents 1.0](https://cloudevents.io) JSON document on NATS JetStream. Its subject is",
        "`evt.<type>.<community id or ->`, its stream the owner's name in capitals. Events carry ids and never personal data.",
        "Fields are only ever added; a breaking change is a new version beside the old one. Readers ignore what they do not know.",
        "",
        "## Envelope",
        "",
        "| attribute | meaning |",
        "| --- | --- |",
    ]
    meanings = {
        "specversion": "always 1.0",
        "type": "`<service>.<aggregate>.<what happened>.v<version>`",
        "subject": "`<aggregate type>/<aggregate id>`",
        "datacontenttype": "always application/json",
        "organization": "the tenant",
        "community": "the community, where the event belongs to one",
        "aggregateid": "id of the aggregate",
        "origin": ", ".join(f"`{origin.value}`" for origin in Origin)
        + ": facts count whatever their origin; only live ones push, reward, sanction or call partners",
        "traceparent": "W3C trace context of the request that caused it",
        "data": "below, by type",
    }
    for name, field in Envelope.model_fields.items():
        lines.append(f"| `{name}` | {field.description or meanings[name]} |")
    for service in sorted({event.service() for event in BY_TYPE.values()}):
        lines += ["", f"## {service} (stream {stream_of(service)})"]
        for event in sorted(BY_TYPE.values(), key=lambda event: event.type):
            if event.service() == service:
                lines += _entry(event)
    return "\n".join(lines) + "\n"


def _entry(event: type[Event]) -> list[str]:
    words = " ".join((event.__doc__ or "").split())
    lines = [
        "",
        f"### {event.type}",
        "",
        words,
        "",
        f"Aggregate `{event.aggregate}`, subject `{subject_of(event.type, None)[:-1]}<community>`. {_to_partners(event)}",
        "",
    ]
    lines += ["```json", json.dumps(example_of(event), ensure_ascii=False, indent=2), "```"]
    notes = [f"- `{name}`: {field.description}" for name, field in event.model_fields.items() if field.description]
    return [*lines, "", *notes] if notes else lines


def _to_partners(event: type[Event]) -> str:
    if not event.partners:
        return "Partners do not get it."
    never = ", ".join(f"`{name}`" for name in sorted(event.withheld))
    not_always = ", ".join(f"`{name}`" for name in sorted(event.sometimes_withheld))
    words = f" without {never}" if never else ""
    if not_always:
        words += f"{',' if never else ''} without {not_always} where a persona of the brand speaks"
    return f"Partners get it{words}."


def write() -> list[str]:
    """Write goldens and catalogue; return what is incompatible, in which case nothing is written."""
    broken = []
    for event in BY_TYPE.values():
        path = FOLDER / f"{event.type}.json"
        if path.exists():
            broken += [
                f"{event.type}: {words}" for words in incompatibilities(json.loads(path.read_text()), schema_of(event))
            ]
    if broken:
        return broken
    FOLDER.mkdir(exist_ok=True)
    for event in BY_TYPE.values():
        (FOLDER / f"{event.type}.json").write_text(json.dumps(schema_of(event), indent=2, sort_keys=True) + "\n")
    CATALOGUE.parent.mkdir(exist_ok=True)
    CATALOGUE.write_text(catalogue())
    return []


if __name__ == "__main__":
    sys.exit("\n".join(write()) or 0)
