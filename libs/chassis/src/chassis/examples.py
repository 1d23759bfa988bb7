"""Examples in an OpenAPI document: composed from those of the schemas, so that no body and no answer is without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_REFERENCE = "#/components/schemas/"
_DEEPEST = 12
_FORMATS = {
    "uuid": "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10",
    "date-time": "2026-11-22T07:30:00Z",
    "date": "2026-11-22",
}

Schema = Mapping[str, Any]


def example_of(schema: Schema, schemas: Mapping[str, Schema], depth: int = 0) -> Any:  # noqa: ANN401  any JSON
    """Return a value that the schema describes: its own example where it has one, else one made of its parts'.

    Raises LookupError when a part has nothing to go by: a text without example, enumeration or known format.
    """
    if depth > _DEEPEST:
        raise LookupError("the schema refers to itself")
    for own in ("examples", "enum"):
        if schema.get(own):
            return schema[own][0]
    for own in ("example", "const"):
        if own in schema:
            return schema[own]
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].removeprefix(_REFERENCE)], schemas, depth + 1)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _first(schema[choice], schemas, depth)
    return _of_type(schema, schemas, depth)


def restore_nulls(schemas: Mapping[str, dict[str, Any]]) -> None:
    """Put back what FastAPI leaves out of schemas' own examples: fields that are required and may be null, however deep."""
    for schema in schemas.values():
        for example in schema.get("examples", ()):
            _restore(schema, example, schemas)


def _restore(schema: Schema, value: Any, schemas: Mapping[str, Schema]) -> None:  # noqa: ANN401  any JSON
    while "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(_REFERENCE)]
    for choice in schema.get("anyOf", ()):
        _restore(choice, value, schemas)
    if isinstance(value, list) and "items" in schema:
        for one in value:
            _restore(schema["items"], one, schemas)
    elif isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            if any(choice.get("type") == "null" for choice in properties[name].get("anyOf", ())):
                value.setdefault(name, None)
        for name, one in value.items():
            rest = schema.get("additionalProperties")
            part = properties.get(name) or (rest if isinstance(rest, dict) else None)
            if part is not None:
                _restore(part, one, schemas)


def _first(choices: list[Schema], schemas: Mapping[str, Schema], depth: int) -> Any:  # noqa: ANN401  any JSON
    """Return an example of the first choice that has one; null when it may be null and nothing else has one."""
    for choice in choices:
        if choice.get("type") != "null":
            try:
                return example_of(choice, schemas, depth + 1)
            except LookupError:
                continue
    if any(choice.get("type") == "null" for choice in choices):
        return None
    raise LookupError("no choice has an example")


def _of_type(schema: Schema, schemas: Mapping[str, Schema], depth: int) -> Any:  # noqa: ANN401  any JSON, by type
    match schema.get("type"):
        case "object":
            return _object(schema, schemas, depth)
        case "array":
            return [example_of(schema["items"], schemas, depth + 1)]
        case "string" if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        case "integer":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "null":
            return None
    raise LookupError(f"no example of {schema.get('title') or schema.get('type')}")


def _object(schema: Schema, schemas: Mapping[str, Schema], depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    made = {}
    for name, part in schema.get("properties", {}).items():
        try:
            made[name] = example_of(part, schemas, depth + 1)
        except LookupError as error:
            if name in required:
                raise LookupError(f"{name}: {error}") from error
    return made
