"""Requests that are hardly HTTP: paths with two readings, methods that nobody knows, framing that two readers read differently."""

import json
from uuid import uuid4

import httpx
import pytest
from tests.api.document import METHODS, Operation
from tests.api.mint import Mint
from tests.api.raw import Answer, refused, request, send
from tests.api.stack import RealStack
from tests.api.town import Town

pytestmark = pytest.mark.usefixtures("nothing_changes")


@pytest.fixture(scope="module")
def token(town: Town, mint: Mint) -> str:
    return mint.token(town, "owner")


def ask(
    stack: RealStack, token: str, target: str, *headers: str, method: str = "GET", body: bytes = b""
) -> Answer | None:
    return send(stack.base_url, request(method, target, *headers, token=token, body=body), method=method)


# {c} is a community, {p} a post in it. None of these may reach a service as something else than it looks.
TRICKS = [
    "/v1/../v1/me",
    "/v1/./me",
    "/v1/me/.",
    "/v1/me/..",
    "/v1/me/../organizations",
    "/v1/%2e%2e/v1/me",
    "/v1/%2E/me",
    "/v1/.%2e/me",
    "//v1/me",
    "/v1//me",
    "/v1/me//",
    "/v1\\me",
    "/v1/%5cme",
    "/v1%2fme",
    "/v1%2Fme",
    "/v1/me%00",
    "/v1/me%00.json",
    "/v1/me%0a",
    "/v1/me%0d%0aX-Evil:1",
    "/v1/me%7f",
    "/v1/me%",
    "/v1/me%2",
    "/v1/me%zz",
    "/v1/me%252f",
    "/v1/me;v=1",
    "/v1/me/",
    "/v1/ME",
    "/V1/me",
    "/v1/me.json",
    "/v1/me%20",
    "/v1/me%ff",
    "/v1/%C0%AE%C0%AE/me",
    "/v1/\uff0e\uff0e/me",
    "/v1/communities/{c}%2fposts",
    "/v1/communities/{c}/..%2f..%2fme",
    "/v1/communities/{c}/posts/%2e%2e/memberships",
    "/v1/communities/{c}/posts/../memberships",
    "/v1/communities/{c}/posts/{p}%00",
    "/v1/communities/{c}/posts/{p}/",
    "/v1/communities/{c}%23/posts",
    "/v1/communities/{c}%3f/posts",
    "/v1/communities/{c}/posts/imports/..",
    "/openapi.json/",
    "/openapi.json/../v1/me",
    "/docs/../../etc/passwd",
    "/docs/%2e%2e/%2e%2e/etc/passwd",
    "/static/../v1/me",
    "*",
    "v1/me",
    "?x=1",
]


@pytest.mark.parametrize("target", TRICKS)
def test_a_path_with_two_readings_is_refused(stack: RealStack, town: Town, token: str, target: str) -> None:
    path = target.replace("{c}", town.ids["community_id"]).replace("{p}", town.ids["post_id"])
    line = path.encode().decode("latin-1")
    refused(ask(stack, token, line), {400, 404, 422})
    refused(ask(stack, token, line, method="DELETE"), {400, 404, 405, 422})


@pytest.mark.parametrize(
    "target", ["/v1/me?x=\x00", "/v1/me?x=\x7f\xff", "/v1/me\x01", "/v1/me x", "/v1/me?x=a b", "/v1/mé"]
)
def test_bytes_that_no_target_has_are_refused(stack: RealStack, token: str, target: str) -> None:
    answer = ask(stack, token, target)
    assert answer is not None
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "path", ["/ops/outbox", "/ops/dead-letters", "/ops/keys/rotate", "/metrics", "/livez", "/readyz", "/startupz"]
)
def test_the_internal_routes_are_not_reached_from_outside(stack: RealStack, town: Town, path: str) -> None:
    with town.client(stack.secrets["ops_token"]) as operator:
        for method in ("GET", "POST"):
            refused(operator.request(method, path), {401, 404})


@pytest.mark.parametrize("target", ["http://evil.example/v1/me", "https://127.0.0.1:1/v1/me", "//evil.example/v1/me"])
def test_another_servers_address_is_not_fetched(stack: RealStack, token: str, target: str) -> None:
    """It is answered as the path that it is, or refused; nothing is asked of another server."""
    answer = ask(stack, token, target)
    assert answer is not None
    if answer.status_code == 200:
        assert answer.json()["organization_id"]
    else:
        refused(answer, {400, 404})


@pytest.mark.parametrize(
    "method", ["TRACE", "PROPFIND", "PURGE", "QUERY", "LOCK", "REPORT", "MKCOL", "SEARCH", "UNLINK"]
)
def test_an_unusual_method_is_refused(stack: RealStack, town: Town, token: str, method: str) -> None:
    for path in ("/v1/me", f"/v1/communities/{town.ids['community_id']}/posts", "/openapi.json", "/nowhere"):
        answer = ask(stack, token, path, method=method)
        refused(answer, {400, 404, 405})


@pytest.mark.parametrize("method", ["get", "GETT", "GE T", "G\x00ET", "", "X" * 100_000, "DELETE/", "CONNECT"])
def test_what_is_no_method_is_refused(stack: RealStack, token: str, method: str) -> None:
    answer = ask(stack, token, "/v1/me", method=method)
    assert answer is None or answer.status_code in {400, 405, 431}, answer


def test_every_other_method_of_every_path_is_refused_with_those_that_are_not(
    town: Town, token: str, every_operation: list[Operation]
) -> None:
    paths: dict[str, list[Operation]] = {}
    for one in every_operation:
        paths.setdefault(one.path, []).append(one)
    with town.client(token) as client:
        for operations in paths.values():
            allowed = {one.method for one in operations}
            for method in {name.upper() for name in METHODS} - allowed - {"HEAD", "OPTIONS", "TRACE"}:
                answer = client.request(method, operations[0].fill(town.ids))
                refused(answer, 405)
                # What the gateway answers itself has a HEAD with each GET.
                named = {name.strip() for name in answer.headers["allow"].split(",")} - {"HEAD"}
                assert named == allowed, operations[0].path


def test_a_method_cannot_be_overridden(town: Town, token: str) -> None:
    url = f"/v1/communities/{town.ids['community_id']}/posts/{town.ids['post_id']}"
    with town.client(token) as client:
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            assert client.get(f"{url}?_method=DELETE", headers={name: "DELETE", "If-Match": '"1"'}).status_code == 200


SMUGGLED = b"GET /v1/accounts HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Content-Length: 5"),
        ("Content-Length: 5, 5",),
        ("Content-Length: +5",),
        ("Content-Length: -5",),
        ("Content-Length: 0x5",),
        ("Content-Length: 5 5",),
        ("Content-Length: " + "9" * 40,),
        ("Content-Length: ",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: \x0bchunked",),
        ("Transfer-Encoding : chunked",),
        ("Transfer_Encoding: chunked", "Content-Length: x"),
        ("Transfer-Encoding: chunked, chunked",),
    ],
    ids=lambda headers: " & ".join(headers)[:60].encode("unicode_escape").decode(),
)
def test_framing_that_two_readers_read_differently_is_refused(
    stack: RealStack, town: Town, token: str, headers: tuple[str, ...]
) -> None:
    url = f"/v1/communities/{town.ids['community_id']}/posts"
    sent = request("POST", url, "Content-Type: application/json", *headers, token=token)
    answer = send(stack.base_url, sent + b"0\r\n\r\n" + SMUGGLED, method="POST")
    assert answer is None or answer.status_code in {400, 411, 422, 501}, answer


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        b"2;" + b"x" * 100_000 + b"\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}garbage\r\n0\r\n\r\n",
        b"2\n{}\n0\n\n",
    ],
    ids=range(6),
)
def test_broken_chunks_are_refused(stack: RealStack, town: Town, token: str, body: bytes) -> None:
    url = f"/v1/communities/{town.ids['community_id']}/posts"
    head = request("POST", url, "Content-Type: application/json", "Transfer-Encoding: chunked", token=token)
    answer = send(stack.base_url, head + body, method="POST")
    assert answer is None or answer.status_code in {400, 422}, answer


@pytest.mark.parametrize(
    "line",
    [
        "X-Evil: a\r\n b",
        "X-Evil: a\x00b",
        "X-Evil: a\rb",
        "X Evil: a",
        "X-Evil : a",
        ": a",
        "no colon",
        "Host: other.example",
        "X-\x00: a",
        "Idempotency-Key: a\x7fb",
    ],
    ids=range(10),
)
def test_a_header_that_is_none_is_refused_or_left_out(stack: RealStack, token: str, line: str) -> None:
    answer = ask(stack, token, "/v1/me", line)
    assert answer is not None
    assert answer.status_code in {200, 400}, answer.text
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", "a\x00b", "é", "x" * 300, "a, b"])
def test_a_host_that_is_none_is_refused(stack: RealStack, token: str, host: str) -> None:
    answer = send(stack.base_url, request("GET", "/v1/me", token=token, host=host))
    assert answer is not None
    assert answer.status_code == 400, answer.text


def test_nothing_that_was_sent_comes_back_in_a_header(stack: RealStack, town: Town, token: str) -> None:
    evil = "<script>alert(1)</script>"
    headers = [
        f"{name}: {evil}"
        for name in ("X-Request-Id", "Origin", "X-Forwarded-Host", "Accept-Language", "Referer", "Traceparent")
    ]
    for target in ("/v1/me", "/nowhere", f"/v1/communities/{uuid4()}"):
        answer = ask(stack, token, target, *headers)
        assert answer is not None
        assert evil not in json.dumps(dict(answer.headers)) + answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"]
        assert town.slug not in answer.headers["x-request-id"]


def test_nobody_becomes_another_by_a_header(town: Town, neighbours: Town, token: str) -> None:
    other, own = neighbours.people["owner"].account_id, town.people["owner"].account_id
    claims = {
        "X-Hearth-Organization": neighbours.organization_id,
        "X-Hearth-Organization-Id": neighbours.organization_id,
        "X-Hearth-Account": other,
        "X-Hearth-Principal": json.dumps({"account_id": other}),
        "X-Organization-Id": neighbours.organization_id,
        "X-User": other,
        "X-Forwarded-User": other,
        "X-Remote-User": other,
        "Forwarded": "for=127.0.0.1;by=gateway",
        "X-Original-Url": f"/v1/accounts/{other}",
        "X-Rewrite-Url": f"/v1/accounts/{other}",
        "Cookie": f"access_token={neighbours.people['owner'].token}",
    }
    with town.client(token) as client:
        assert client.get("/v1/me", headers=claims).json()["id"] == own
        url = f"/v1/me?access_token={neighbours.people['owner'].token}&organization_id={neighbours.organization_id}"
        assert client.get(url).json()["id"] == own
    with town.client() as anybody:
        refused(anybody.get("/v1/me", headers=claims), 401)
        refused(anybody.get(url), 401)


def test_two_tokens_are_none(stack: RealStack, token: str, neighbours: Town) -> None:
    answer = ask(stack, token, "/v1/me", f"Authorization: Bearer {neighbours.people['owner'].token}")
    refused(answer, 400)
    # Connection names what the gateway must drop; the token is not among it.
    answer = ask(stack, token, "/v1/me", "Connection: Authorization, If-Match")
    assert answer is not None
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/v1/me?" + "x" * 9000, (), 414),
        ("/v1/" + "x" * 9000, (), 414),
        ("/v1/me", ("X-Large: " + "x" * 40_000,), 431),
        ("/v1/me", tuple(f"X-{number}: x" for number in range(150)), 431),
        ("/v1/me", ("Upgrade: websocket", "Connection: Upgrade"), 501),
    ],
    ids=["query", "path", "header", "headers", "websocket"],
)
def test_what_is_too_large_or_not_served_is_refused(
    stack: RealStack, token: str, target: str, headers: tuple[str, ...], status: int
) -> None:
    refused(ask(stack, token, target, *headers), status)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/me\r\n\r\n",
        b"GET /v1/me HTTP/0.9\r\n\r\n",
        b"GET /v1/me HTTP/3.0\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
        b"\x00" * 1000,
        b"HELO hearth.example\r\n\r\n",
        b"GET /v1/me HTTP/1.1\nHost: x\n\n",
    ],
    ids=["0.9", "0.9 said", "3", "2", "TLS", "nothing", "SMTP", "bare line feeds"],
)
def test_another_protocol_is_refused(stack: RealStack, sent: bytes) -> None:
    answer = send(stack.base_url, sent)
    assert answer is None or answer.status_code in {400, 401, 505}, answer


def test_a_browser_of_another_site_gets_no_permission(town: Town, token: str) -> None:
    with town.client(token) as client:
        asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
        refused(client.options("/v1/me", headers=asks), 403)
        answer = client.get("/v1/me", headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml", "*/*;q=0", "x" * 1000, "application/json;version=2"]
)
def test_an_answer_is_json_whatever_is_asked_for(town: Town, token: str, accept: str) -> None:
    with town.client(token, Accept=accept) as client:
        assert client.get("/v1/me").headers["content-type"] == "application/json"
        refused(client.get("/v1/nowhere"), 404)


def test_the_gateway_still_serves(stack: RealStack, token: str) -> None:
    answer = httpx.get(
        f"{stack.base_url}/v1/me", headers={"Authorization": f"Bearer {token}"}, trust_env=False, verify=False
    )
    assert answer.status_code == 200
