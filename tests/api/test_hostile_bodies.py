"""Bodies that are broken, wrong or meant to hurt: each a problem that says where, never a 500, and nothing changes."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.api.mint import Mint
from tests.api.raw import refused
from tests.api.stack import RealStack
from tests.api.town import Town

MIB = 2**20
pytestmark = pytest.mark.usefixtures("nothing_changes")


@pytest.fixture(scope="module")
def owner(stack: RealStack, town: Town, mint: Mint) -> Iterator[httpx.Client]:
    assert stack.base_url == town.base_url
    with town.client(mint.token(town, "owner")) as client:
        yield client


@pytest.fixture(params=["members", "content"])
def place(request: pytest.FixtureRequest, town: Town) -> tuple[str, dict[str, Any], str]:
    """A route of each service that takes JSON, a good body for it, and the name of a text in it."""
    if request.param == "members":
        return "/v1/clients", {"name": "CRM", "scopes": ["contacts:write"]}, "name"
    return f"/v1/communities/{town.ids['community_id']}/posts", {"body": "Hello"}, "body"


def post(client: httpx.Client, url: str, content: bytes, **headers: str) -> httpx.Response:
    return client.post(url, content=content, headers={"Content-Type": "application/json", **headers})


Place = tuple[str, dict[str, Any], str]

BROKEN = {
    "nothing but a blank": b" ",
    "cut off": b'{"body": "Hel',
    "two documents": b"{}{}",
    "a trailing comma": b'{"body": "Hello",}',
    "single quotes": b"{'body': 'Hello'}",
    "a comment": b'{"body": "Hello"} // hello',
    "a number without end": b'{"body": ' + b"9" * 1000 + b"}",
    "not a number": b'{"body": NaN}',
    "infinity": b'{"body": -Infinity}',
    "no UTF-8": b'{"body": "\xff\xfe"}',
    "an overlong NUL": b'{"body": "\xc0\x80"}',
    "a byte order mark": b'\xef\xbb\xbf{"body": "Hello"}',
    "UTF-16": '{"body": "Hello"}'.encode("utf-16"),
    "a lone surrogate": b'{"body": "\\ud800"}',
    "a surrogate as UTF-8": b'{"body": "\xed\xa0\x80"}',
    "a bare control character": b'{"body": "a\x07"}',
    "nested without end": b"[" * 100_000,
    "nested without end, and closed": b"[" * 100_000 + b"]" * 100_000,
    "objects without end": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "gzip": gzip.compress(b'{"body": "Hello"}'),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_json_is_refused(owner: httpx.Client, place: Place, kind: str) -> None:
    problem = refused(post(owner, place[0], BROKEN[kind]), 400, "")
    assert problem["type"] == "urn:hearth:problem:malformed-json"


@pytest.mark.parametrize("document", [[], "Hello", 1, True, None, [{}], ["body"]])
def test_what_is_no_object_is_refused(owner: httpx.Client, place: Place, document: Any) -> None:
    refused(post(owner, place[0], json.dumps(document).encode()), 422, "")


def test_no_body_at_all_is_refused(owner: httpx.Client, place: Place) -> None:
    refused(owner.post(place[0]), 422, "")
    refused(post(owner, place[0], b""), 422, "")


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["Hello"], {"body": "Hello"}, 10**200])
def test_a_wrong_type_is_refused_where_it_is(owner: httpx.Client, place: Place, value: Any) -> None:
    url, body, text = place
    refused(post(owner, url, json.dumps({**body, text: value}).encode()), 422, f"/{text}")


@pytest.mark.parametrize(
    "name", ["Body", "body ", "__proto__", "constructor", "id", "organization_id", "author_id", "a/b~c", "😀"]
)
def test_an_unknown_field_is_refused_by_name(owner: httpx.Client, place: Place, name: str) -> None:
    url, body, _ = place
    at = "/" + name.replace("~", "~0").replace("/", "~1")
    refused(post(owner, url, json.dumps({**body, name: "x"}).encode()), 422, at)


@pytest.mark.parametrize("character", ["\x00", "\x01", "\x07", "\x0b", "\x1b", "\x1f", "\x7f", "\x80", "\x85", "\x9f"])
def test_a_control_character_is_refused_where_it_is(owner: httpx.Client, place: Place, character: str) -> None:
    url, body, text = place
    escaped = json.dumps({**body, text: "a-b"}).replace("a-b", f"a\\u{ord(character):04x}b").encode()
    plain = json.dumps({**body, text: "a-b"}).replace("a-b", f"a{character}b").encode()
    problem = refused(post(owner, url, escaped), 422, f"/{text}")
    assert problem["errors"][0]["code"] == "control-character"
    # Unescaped, those below the blank are no JSON at all.
    refused(post(owner, url, plain), 400 if character < " " else 422)
    # In a name too, and not only on the surface.
    refused(post(owner, url, json.dumps({**body, f"a{character}": "x"}).encode()), 422)


def test_deep_nesting_is_refused(owner: httpx.Client, place: Place) -> None:
    url, body, _ = place
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    problem = refused(post(owner, url, json.dumps({**body, "more": deep}).encode()), 422)
    assert problem["errors"][0]["code"] == "nested-too-deep"
    assert problem["errors"][0]["pointer"].startswith("/more/0/0")


def test_a_thousand_faults_are_not_all_told(owner: httpx.Client, place: Place) -> None:
    url, body, _ = place
    many = {**body, **{f"field-{number}": 1 for number in range(20_000)}}
    problem = refused(post(owner, url, json.dumps(many).encode()), 422)
    assert 1 <= len(problem["errors"]) <= 50


def test_a_large_body_is_refused(owner: httpx.Client, place: Place) -> None:
    url, body, text = place
    large = json.dumps({**body, text: "x" * 5 * MIB}).encode()
    refused(post(owner, url, large), 413)

    def pieces() -> Iterator[bytes]:
        """Without saying how much is to come."""
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    refused(owner.post(url, content=pieces(), headers={"Content-Type": "application/json"}), 413)


@pytest.mark.parametrize("route", ["memberships", "posts", "comments", "reactions"])
def test_a_large_import_is_refused(owner: httpx.Client, town: Town, route: str) -> None:
    url = f"/v1/communities/{town.ids['community_id']}/{route}/imports"
    refused(post(owner, url, b'{"source": "slack", "items": ["' + b"x" * 9 * MIB + b'"]}'), 413)


@pytest.mark.parametrize("route", ["memberships", "posts", "comments", "reactions"])
def test_hostile_items_of_an_import_are_rejected_one_by_one(owner: httpx.Client, town: Town, route: str) -> None:
    url = f"/v1/communities/{town.ids['community_id']}/{route}/imports"
    items: list[dict[str, Any]] = [
        {},
        {"external_id": None},
        {"external_id": "a\x00b", "display_name": "x"},
        {"external_id": "x" * 1000, "display_name": "x"},
        {"external_id": "x", "display_name": "\u200b", "body": "\u0000", "author_id": town.people["member"].account_id},
        {"external_id": "x", "unheard-of": [[[[]]]]},
        {"external_id": "y", "display_name": "y", "joined_at": "9999-12-31T23:59:59Z"},
        {"external_id": "z", "display_name": "z", "joined_at": "0001-01-01T00:00:00"},
        {
            "subject_external_id": "'; DROP TABLE reaction; --",
            "author_id": town.people["member"].account_id,
            "emoji": "👍",
        },
    ]
    answer = owner.post(url, json={"source": "slack", "items": items})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["created"], report["existing"]) == (0, 0)
    assert [one["index"] for one in report["rejected"]] == [*range(len(items))]
    assert all(one["code"] and one["detail"] for one in report["rejected"])
    refused(owner.post(url, json={"source": "../../etc/passwd", "items": []}), 422, "/source")
    refused(owner.post(url, json={"source": "slack", "items": {"0": {}}}), 422, "/items")
    refused(owner.post(url, json={"source": "slack", "items": [{}] * 2000}), 422, "/items")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "text/html, application/json",
        "application/jsonp",
        "x",
        "",
    ],
)
def test_another_content_type_is_not_read_as_json(owner: httpx.Client, place: Place, kind: str) -> None:
    url, body, _ = place
    refused(owner.post(url, content=json.dumps(body).encode(), headers={"Content-Type": kind}), 415)


def test_two_content_types_are_not_read_as_json(owner: httpx.Client, place: Place) -> None:
    url, body, _ = place
    twice = [("Content-Type", "text/plain"), ("Content-Type", "application/json")]
    refused(owner.post(url, content=json.dumps(body).encode(), headers=twice), {400, 415})


def test_a_body_that_says_it_is_compressed_is_not_unpacked(owner: httpx.Client, place: Place) -> None:
    bomb = gzip.compress(b'{"body": "' + b"x" * 50 * MIB + b'"}')
    assert len(bomb) < MIB
    refused(post(owner, place[0], bomb, **{"Content-Encoding": "gzip"}), {400, 415})


LONG = "x" * 100_001
WRONG_VALUES: list[tuple[str, str, dict[str, Any], str]] = [
    ("PATCH", "/v1/me", {"display_name": "\u200b\u2060"}, "/display_name"),
    ("PATCH", "/v1/me", {"display_name": "x" * 10_000}, "/display_name"),
    ("PATCH", "/v1/me", {"avatar_url": "javascript:alert(1)"}, "/avatar_url"),
    ("PATCH", "/v1/me", {"avatar_url": "https://user:password@example.com/"}, "/avatar_url"),
    ("PATCH", "/v1/me", {"avatar_url": "https://[::1"}, "/avatar_url"),
    ("PATCH", "/v1/me", {"locale": "../../etc"}, "/locale"),
    ("PATCH", "/v1/me", {"zone": "../../etc/passwd"}, "/zone"),
    ("PATCH", "/v1/me", {"zone": "localtime"}, "/zone"),
    ("PATCH", "/v1/me", {"zone": None}, "/zone"),
    ("POST", "/v1/communities", {"name": {}, "slug": "ok-ok", "zone": "UTC"}, "/name"),
    ("POST", "/v1/communities", {"name": {"not a language": "x"}, "slug": "ok-ok", "zone": "UTC"}, "/name"),
    ("POST", "/v1/communities", {"name": {"en": " "}, "slug": "ok-ok", "zone": "UTC"}, "/name/en"),
    ("POST", "/v1/communities", {"name": {"en": "x"}, "slug": "../x", "zone": "UTC"}, "/slug"),
    ("POST", "/v1/communities", {"name": {"en": "x"}, "slug": "ok-ok\n", "zone": "UTC"}, "/slug"),
    ("POST", "/v1/clients", {"name": "CRM", "scopes": ["organization:owner"]}, "/scopes/0"),
    ("POST", "/v1/clients", {"name": "CRM", "scopes": ["contacts:write"] * 2}, "/scopes"),
    ("POST", "/v1/clients", {"name": "CRM", "scopes": []}, "/scopes"),
    (
        "POST",
        "/v1/accounts",
        {"organization": "demo", "email": "a@b.example\r\nBcc: c@d.example", "password": "x" * 12, "display_name": "x"},
        "/email",
    ),
    (
        "POST",
        "/v1/accounts",
        {"organization": "demo", "email": "a@b.example", "password": "x" * 1001, "display_name": "x"},
        "/password",
    ),
    (
        "POST",
        "/v1/accounts",
        {"organization": "demo", "email": "a@b.example", "password": "\x00" * 12, "display_name": "x"},
        "/password",
    ),
    ("POST", "/v1/sessions", {"organization": {"$ne": None}, "email": "a@b.example", "password": "x"}, "/organization"),
    ("POST", "/v1/invitations/claim", {"token": "x" * 5000, "email": "a@b.example", "password": "x" * 12}, "/token"),
    ("POST", "/v1/communities/{community_id}/posts", {"body": LONG}, "/body"),
    ("POST", "/v1/communities/{community_id}/posts", {"body": " \n\t "}, "/body"),
    ("POST", "/v1/communities/{community_id}/posts", {"body": "x", "section": "two words"}, "/section"),
    ("POST", "/v1/communities/{community_id}/posts", {"body": "x", "title": "two\nlines"}, "/title"),
    ("POST", "/v1/communities/{community_id}/posts/{post_id}/comments", {"body": "x", "parent_id": "x"}, "/parent_id"),
    ("POST", "/v1/communities/{community_id}/posts/{post_id}/comments", {"body": LONG}, "/body"),
    ("PATCH", "/v1/communities/{community_id}/comments/{comment_id}", {"body": ""}, "/body"),
    ("PUT", "/v1/communities/{community_id}/memberships/{membership_id}/roles", {"roles": ["owner"]}, "/roles/0"),
    ("PUT", "/v1/communities/{community_id}/memberships/{membership_id}/roles", {"roles": ["manager"] * 5}, "/roles"),
    ("POST", "/v1/communities/{community_id}/memberships", {"message": "x" * 2001}, "/message"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "at"), WRONG_VALUES, ids=[f"{m} {p} {a}" for m, p, _, a in WRONG_VALUES]
)
def test_a_value_that_cannot_be_is_refused_where_it_is(
    owner: httpx.Client, town: Town, method: str, path: str, body: dict[str, Any], at: str
) -> None:
    refused(owner.request(method, path.format(**town.ids), json=body, headers={"If-Match": '"1"'}), 422, at)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/sessions/refresh", {"refresh_token": "hrt_x"}),
        ("/v1/sessions/refresh", {"refresh_token": "hrt_" + "0" * 32 + "_" + "0" * 32 + "_%%%"}),
        ("/v1/sessions/refresh", {"refresh_token": "😀" * 100}),
        ("/v1/sessions", {"organization": "' OR 1=1 --", "email": "a@b.example", "password": "x"}),
        (
            "/v1/sessions",
            {"organization": "00000000-0000-0000-0000-000000000000", "email": "a@b.example", "password": "x"},
        ),
    ],
)
def test_forged_credentials_are_refused(town: Town, path: str, body: dict[str, Any]) -> None:
    with town.client() as anybody:
        refused(anybody.post(path, json=body), 401)


@pytest.mark.parametrize("token", ["hi_x", "😀", "hi_" + "0" * 32 + "_" + "0" * 32 + "_x", "../../x"])
def test_a_forged_invitation_is_not_found(town: Town, token: str) -> None:
    claim = {"token": token, "email": "a@b.example", "password": "a long enough password"}
    with town.client() as anybody:
        refused(anybody.post("/v1/invitations/claim", json=claim), 404)


FORM = "application/x-www-form-urlencoded"
GRANT = b"grant_type=client_credentials"


@pytest.mark.parametrize(
    ("kind", "content", "basic", "error"),
    [
        ("application/json", b"{}", None, "invalid_request"),
        (FORM, b"", None, "invalid_request"),
        (FORM, b"grant_type=password&username=a&password=b", None, "unsupported_grant_type"),
        (FORM, GRANT, None, "invalid_client"),
        (FORM, GRANT + b"&client_id=%00&client_secret=%00", None, "invalid_client"),
        (FORM, GRANT + b"&client_id=%ff&client_secret=x", None, "invalid_request"),
        (FORM, GRANT + b"&client_id=' OR 1=1 --&client_secret=x", None, "invalid_client"),
        (FORM, GRANT + b"&client_id=" + b"0" * 32 + b"." + b"0" * 32 + b"&client_secret=x", None, "invalid_client"),
        (FORM, GRANT + b"&client_id=a&client_id=b&client_secret=x", None, "invalid_request"),
        (FORM, GRANT + b"&x=1" * 50, None, "invalid_request"),
        (FORM, GRANT, "Basic %%%", "invalid_client"),
        (FORM, GRANT, "Basic AAAA", "invalid_client"),
        (FORM, GRANT + b"&client_secret=x", "Basic YTpi", "invalid_request"),
    ],
)
def test_a_hostile_token_request_is_refused_in_oauths_way(
    town: Town, kind: str, content: bytes, basic: str | None, error: str
) -> None:
    headers = {"Content-Type": kind} | ({"Authorization": basic} if basic else {})
    with town.client() as anybody:
        answer = anybody.post("/v1/oauth/token", content=content, headers=headers)
    assert answer.status_code == (401 if error == "invalid_client" else 400), answer.text
    assert answer.json()["error"] == error
    assert answer.headers["cache-control"] == "no-store"
