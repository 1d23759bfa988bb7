"""Merging: several services' OpenAPI documents become one. Pure: from documents to a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PREFIX = "#/components/"


def references(value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  any JSON
    """Yield (section, name) of every component that a value refers to."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str) and inner.startswith(_PREFIX):
                section, _, name = inner.removeprefix(_PREFIX).partition("/")
                yield section, name
            elif key == "mapping" and isinstance(inner, dict):
                yield from references([{"$ref": target} for target in inner.values()])
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def _renamed(value: Any, names: Mapping[tuple[str, str], str]) -> Any:  # noqa: ANN401  any JSON
    """Return the value with its references to components renamed."""
    if isinstance(value, dict):
        return {
            key: _renamed_reference(inner, names)
            if key == "$ref" and isinstance(inner, str)
            else {name: _renamed_reference(target, names) for name, target in inner.items()}
            if key == "mapping"
            and isinstance(inner, dict)
            and all(isinstance(target, str) for target in inner.values())
            else _renamed(inner, names)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    return value


def _renamed_reference(reference: str, names: Mapping[tuple[str, str], str]) -> str:
    if not reference.startswith(_PREFIX):
        return reference
    section, _, name = reference.removeprefix(_PREFIX).partition("/")
    return f"{_PREFIX}{section}/{names.get((section, name), name)}"


def _components(document: Json) -> dict[tuple[str, str], Any]:
    return {
        (section, name): component
        for section, components in document.get("components", {}).items()
        if section != "securitySchemes"
        for name, component in components.items()
    }


def _differing(documents: Mapping[str, Json]) -> set[tuple[str, str]]:
    """Return the components that services name alike and mean differently: by themselves, or by what they refer to."""
    per_service = {service: _components(document) for service, document in documents.items()}
    holders: dict[tuple[str, str], list[Any]] = {}
    for components in per_service.values():
        for key, component in components.items():
            holders.setdefault(key, []).append(component)
    differing = {key for key, found in holders.items() if any(one != found[0] for one in found[1:])}
    shared = {key for key, found in holders.items() if len(found) > 1}
    grown = True
    while grown:
        more = {
            key
            for key in shared - differing
            if any(reference in differing for reference in references(holders[key][0]))
        }
        grown = bool(more)
        differing |= more
    return differing


def merge(documents: Mapping[str, Json], base: Json) -> Json:
    """Return one document: `base` (openapi, info, servers, security, components of its own) with the paths and components of all services.

    Components of one name and one meaning are shared; where meanings differ, each service's is named after the service. Raises ValueError
    when two services answer the same method at the same path, or base's components differ from a service's.
    """
    ordered = {service: documents[service] for service in sorted(documents)}
    differing = _differing(ordered)
    merged: Json = {
        **base,
        "paths": {},
        "components": {section: dict(found) for section, found in base.get("components", {}).items()},
    }
    tags: dict[str, Json] = {tag["name"]: tag for tag in base.get("tags", [])}
    operation_ids = _shared_operation_ids(ordered)
    for service, document in ordered.items():
        names = {key: f"{service.capitalize()}{key[1]}" for key in _components(document) if key in differing}
        for (section, name), component in _components(document).items():
            target = merged["components"].setdefault(section, {})
            new_name = names.get((section, name), name)
            new = _renamed(component, names)
            if target.get(new_name, new) != new:
                raise ValueError(f"{service} has another meaning of {section}/{new_name}")
            target[new_name] = new
        for tag in document.get("tags", []):
            tags.setdefault(tag["name"], tag)
        for path, item in document.get("paths", {}).items():
            there = merged["paths"].setdefault(path, {})
            for key, value in _renamed(item, names).items():
                if key in there and key in METHODS:
                    raise ValueError(f"two services answer {key.upper()} {path}")
                there[key] = value
                if key in METHODS and value.get("operationId") in operation_ids:
                    value["operationId"] = service + value["operationId"][:1].upper() + value["operationId"][1:]
    merged["paths"] = dict(sorted(merged["paths"].items()))
    merged["components"] = {
        section: dict(sorted(found.items())) for section, found in sorted(merged["components"].items())
    }
    merged["tags"] = list(tags.values())
    return merged


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method (lower case) and operation of a document."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _shared_operation_ids(documents: Mapping[str, Json]) -> set[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for document in documents.values():
        for _, _, operation in operations(document):
            name = str(operation.get("operationId"))
            (twice if name in seen else seen).add(name)
    return twice
