"""The OpenAPI document as tests walk it: each operation with a request made from its own description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

Json = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PARAMETER = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    raw: Json

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def name(self) -> str:
        """Its operationId."""
        return str(self.raw["operationId"])

    @property
    def permission(self) -> str:
        """Who may call it, as the service says."""
        return str(self.raw.get("x-hearth-permission"))

    @property
    def ignores_tokens(self) -> bool:
        """Whether it never looks at a token: it has credentials of its own, or needs none."""
        return not self.raw["security"]

    @property
    def needs_token(self) -> bool:
        """Whether nobody gets in without one."""
        return bool(self.raw["security"]) and {} not in self.raw["security"]

    @property
    def path_parameters(self) -> list[str]:
        """The names in the path template."""
        return _PARAMETER.findall(self.path)

    @property
    def query_parameters(self) -> set[str]:
        """The names in the query."""
        return {one["name"] for one in self.raw.get("parameters", ()) if one["in"] == "query"}

    @property
    def in_community(self) -> bool:
        """Whether it is about one community."""
        return "community_id" in self.path_parameters

    @property
    def wants_version(self) -> bool:
        """Whether it takes If-Match."""
        return any(one["name"] == "If-Match" for one in self.raw.get("parameters", ()))

    def headers(self) -> dict[str, str]:
        """The headers that it insists on, but for the version, as in their examples. Raises LookupError for one without."""
        found = {}
        for one in self.raw.get("parameters", ()):
            if one["in"] == "header" and one.get("required") and one["name"] != "If-Match":
                found[one["name"]] = self._example(one)
        return found

    def _example(self, parameter: Json) -> str:
        for example in (parameter.get("example"), *parameter["schema"].get("examples", ())):
            if example is not None:
                return str(example)
        raise LookupError(f"{self}: the parameter {parameter['name']} has no example")

    def fill(self, values: Mapping[str, str]) -> str:
        """The path with these values, and the required query. Raises LookupError when a value is not known: teach it to the town."""
        missing = [name for name in self.path_parameters if name not in values]
        if missing:
            raise LookupError(f"{self}: nothing is known to put into {', '.join(missing)}; add it to Town.ids")
        path = _PARAMETER.sub(lambda match: quote(values[match[1]], safe=""), self.path)
        query = {}
        for one in self.raw.get("parameters", ()):
            if one["in"] == "query" and one.get("required"):
                query[one["name"]] = values.get(one["name"]) or self._example(one)
        return f"{path}?{urlencode(query)}" if query else path

    def ask(self, values: Mapping[str, str], query: str) -> str:
        """The filled path with more in its query."""
        filled = self.fill(values)
        return f"{filled}{'&' if '?' in filled else '?'}{query}"

    def body(self) -> tuple[str, bytes] | None:
        """The content type and body of its example, None when it takes none. Raises LookupError when it has no example."""
        content: Json = self.raw.get("requestBody", {}).get("content", {})
        if not content:
            return None
        kind, media = next(iter(content.items()))
        if "example" not in media:
            raise LookupError(f"{self}: its body has no example")
        example = media["example"]
        if "form" in kind:
            return kind, urlencode(example).encode()
        return kind, (json.dumps(example) if "json" in kind else example).encode()


def operations(document: Json) -> list[Operation]:
    """Every operation of the document."""
    return [
        Operation(method.upper(), path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def resolve(document: Json, value: Json) -> Json:
    """The component that a reference names; the value itself when it is none."""
    while "$ref" in value:
        found: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def references(value: Any) -> Iterator[str]:
    """Every reference in any JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str):
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
