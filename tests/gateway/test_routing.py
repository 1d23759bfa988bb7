from __future__ import annotations

import importlib
import re
from dataclasses import replace
from typing import Any, cast
from urllib.parse import unquote

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.servers import COMMUNITY

from chassis.app import build_app
from chassis.runtime import Runtime
from gateway import compose, merging, openapi
from gateway.routing import AMBIGUOUS, Access, Route, Router
from gateway.settings import GatewaySettings

SERVICES = {
    "members": "members.app",
    "content": "content.app",
    "engagement": "engagement.app",
    "gateway": "gateway.service",
}
"""Where each composition root is; the gateway is a service too, behind itself."""


@pytest.fixture(scope="module")
def documents() -> dict[str, dict[str, Any]]:
    """What the real services say of themselves; a document needs nothing of a running process."""
    nothing = cast("Runtime", None)
    return {
        name: build_app(importlib.import_module(home).service, nothing).openapi() for name, home in SERVICES.items()
    }


def test_every_route_of_every_service_is_reachable_and_collides_with_none(documents: dict[str, Any]) -> None:
    assert sum(len(openapi.routes_of(document)) for document in documents.values()) > 50
    assert openapi.check(documents, Router()) == []
    assert {path for _, path in openapi.routes_of(documents["gateway"])} >= {
        "/v1/endpoints",
        "/v1/inbound/{source_id}",
        "/v1/orders/{external_id}",
        "/v1/clients/{client_id}/calls",
    }


def test_what_the_gateway_puts_together_has_its_rows_and_no_other() -> None:
    rows = {route.pattern for route in Router().table if route.composed}
    assert rows == {re.sub(r"\{[^}]*\}", "{}", page.path) for page in compose.PAGES}


@pytest.mark.parametrize("pattern", ["/v1/endpoints/**", "/v1/inbound/{}", "/v1/clients/{}/calls"])
def test_a_row_of_the_gateway_that_goes_astray_is_seen(documents: dict[str, Any], pattern: str) -> None:
    rows = Router().table
    without = [route for route in rows if route.pattern != pattern]
    moved = [replace(route, service="content") if route.pattern == pattern else route for route in rows]
    closed = [replace(route, access={}) if route.pattern == "/v1/inbound/{}" else route for route in rows]
    for table in (without, moved):
        assert [line for line in openapi.check(documents, Router(table)) if "of gateway" in line]
    assert openapi.check(documents, Router(closed)) == [
        "POST /v1/inbound/{source_id} is public in its service and token in the route table."
    ]


def test_the_services_make_one_valid_document(documents: dict[str, Any]) -> None:
    merged = merging.merge(documents, openapi.base(GatewaySettings()))
    compose.describe(merged)
    openapi.complete(merged, Router())
    schemathesis.openapi.from_dict(merged).validate()
    together = [route for document in documents.values() for route in openapi.routes_of(document)]
    assert sorted(openapi.routes_of(merged)) == sorted([*together, *(("GET", page.path) for page in compose.PAGES)])
    names = [operation["operationId"] for _, _, operation in merging.operations(merged)]
    assert len(set(names)) == len(names)
    assert set(merging.references(merged)) <= {
        (section, name) for section, found in merged["components"].items() for name in found
    }
    for path, method, operation in merging.operations(merged):
        assert {"429", "502", "503", "504"} <= operation["responses"].keys(), (path, method)
        assert operation["tags"], (path, method)
        assert {tag["name"] for tag in merged["tags"]} >= set(operation["tags"])


@pytest.mark.parametrize(
    ("path", "service", "pattern"),
    [
        ("/v1/me", "members", "/v1/me/**"),
        ("/v1/me/password", "members", "/v1/me/**"),
        ("/v1/organizations", "members", "/v1/organizations"),
        ("/v1/accounts", "members", "/v1/accounts"),
        (f"/v1/accounts/{COMMUNITY}/invitations", "members", "/v1/accounts/**"),
        ("/v1/communities", "members", "/v1/communities"),
        (f"/v1/communities/{COMMUNITY}", "members", "/v1/communities/{}"),
        (f"/v1/communities/{COMMUNITY}/pause", "members", "/v1/communities/{}/pause"),
        (f"/v1/communities/{COMMUNITY}/memberships/imports", "members", "/v1/communities/{}/memberships/imports"),
        (f"/v1/communities/{COMMUNITY}/memberships/x/approve", "members", "/v1/communities/{}/memberships/**"),
        ("/v1/clients/x", "members", "/v1/clients/**"),
        ("/v1/clients/x/calls", "gateway", "/v1/clients/{}/calls"),
        ("/v1/endpoints", "gateway", "/v1/endpoints/**"),
        ("/v1/endpoints/x/deliveries/y", "gateway", "/v1/endpoints/**"),
        ("/v1/inbound/x", "gateway", "/v1/inbound/{}"),
        (f"/v1/communities/{COMMUNITY}/posts", "content", "/v1/communities/{}/posts/**"),
        (f"/v1/communities/{COMMUNITY}/posts/imports", "content", "/v1/communities/{}/posts/imports"),
        (f"/v1/communities/{COMMUNITY}/posts/imports/x", "content", "/v1/communities/{}/posts/**"),
        (f"/v1/communities/{COMMUNITY}/pulse", "engagement", "/v1/communities/{}/pulse/**"),
        # A community named like a route is still a community.
        ("/v1/communities/posts/posts", "content", "/v1/communities/{}/posts/**"),
    ],
)
def test_a_path_finds_its_row(path: str, service: str, pattern: str) -> None:
    route = Router().match(path)
    assert route is not None
    assert (route.service, route.pattern) == (service, pattern)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "v1/me",
        "/v1",
        "/v1/",
        "/V1/me",
        "/v1/me/",
        "/v1/inbound",
        "/v1/inbound/x/y",
        "/v1/organizations/a/b",
        "/v1/communities/",
        "/v1/communities//posts",
    ]
    + [f"/v1/communities/{COMMUNITY}/{rest}" for rest in ("", "nothing", "posts/", "posts//x", "open/x", "reactions")],
)
def test_other_paths_find_none(path: str) -> None:
    assert Router().match(path) is None


@given(
    st.binary(max_size=40).map(lambda tail: b"/v1/" + tail) | st.text("/.%25cfF0a\\é ~", max_size=20).map(str.encode)
)
def test_a_path_that_passes_is_cut_alike_before_and_after_decoding(raw: bytes) -> None:
    if AMBIGUOUS.search(raw) or not raw.startswith(b"/"):
        return
    text = raw.decode("ascii")
    assert unquote(text).split("/") == [unquote(segment) for segment in text.split("/")]
    assert not {"..", "."} & set(unquote(text).split("/"))
    assert "\\" not in unquote(text)
    assert all(character.isprintable() or ord(character) > 0x7F for character in unquote(text))


SEGMENTS = st.sampled_from(["a", "b", "{}", "c"])
PATTERNS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


@given(
    st.sets(PATTERNS, max_size=8),
    st.booleans(),
    st.lists(st.sampled_from(["a", "b", "c", "x"]), min_size=1, max_size=5),
)
def test_the_tree_finds_what_a_walk_over_the_table_would(patterns: set[str], rest: bool, path: list[str]) -> None:  # noqa: FBT001
    table = [Route("/" + pattern, pattern) for pattern in patterns]
    table += [Route(f"/{pattern}/**", f"{pattern} rest") for pattern in patterns if rest]

    def fits(route: Route) -> bool:
        segments = route.segments
        if segments[-1] == "**":
            return len(path) >= len(segments) - 1 and all(
                s in ("{}", p) for s, p in zip(segments, path, strict=False) if s != "**"
            )
        return len(segments) == len(path) and all(s in ("{}", p) for s, p in zip(segments, path, strict=True))

    def rank(route: Route) -> list[int]:
        # Segment by segment: a literal before a parameter before the rest; an exact end before a rest of nothing.
        return [{"{}": 1, "**": 3}.get(segment, 0) for segment in route.segments] + (
            [2] if route.segments[-1] != "**" else []
        )

    expected = min(filter(fits, table), key=rank, default=None)
    assert Router(table).match("/" + "/".join(path)) == expected


def test_a_row_stands_once_and_its_rest_stands_last() -> None:
    for table in (
        [Route("/a", "x"), Route("/a", "y")],
        [Route("/{}/**", "x"), Route("/{}/**", "y")],
        [Route("/**/a", "x")],
    ):
        with pytest.raises(ValueError, match=r"two rows|stands last"):
            Router(table)


def document(*paths: str, permission: str = "person") -> dict[str, Any]:
    return {"paths": {path: {"get": {"x-hearth-permission": permission, "responses": {}}} for path in paths}}


TABLE = (
    Route("/v1/things/{}", "one"),
    Route("/v1/things/special", "two"),
    Route("/v1/others/**", "two", {"GET": Access.OPEN}),
)


@pytest.mark.parametrize(
    ("documents_", "complaint"),
    [
        ({"one": document("/v1/things/{id}", "/v1/unknown")}, "/v1/unknown of one is not in the route table."),
        (
            {"one": document("/v1/things/{id}")},
            "/v1/things/special, which is /v1/things/{id} of one, goes to two by /v1/things/special.",
        ),
        (
            {"one": document("/v1/things/{id}"), "two": document("/v1/things/{name}")},
            "GET /v1/things/{name} is answered by one and two.",
        ),
        ({"two": document("/v1/things/special")}, "/v1/others/** leads to nothing of two."),
        ({"two": document("/v1/others/x")}, "GET /v1/others/x is person in its service and open in the route table."),
        (
            {"one": document("/v1/things/{id}", permission="public")},
            "GET /v1/things/{id} is public in its service and token in the route table.",
        ),
    ],
)
def test_what_does_not_fit_is_said(documents_: dict[str, Any], complaint: str) -> None:
    assert complaint in openapi.check(documents_, Router(TABLE))
