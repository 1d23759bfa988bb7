"""`hearth webhooks`, and the receiver that it listens with."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook
from tests.cli.fake_gateway import SECRET, FakeGateway, ident
from typer.testing import CliRunner

from chassis import clock
from hearth import webhooks
from hearth.client import ApiError, Client, ClientError
from hearth.receiver import Received, Receiver, fault_of

BODY = b'{"type":"content.post.published.v1","timestamp":"2026-11-22T07:30:00Z","data":{"words":"\xe8\x8c\xb6"}}'

AT = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)


def signed(body: bytes = BODY, *, at: datetime | None = None, secret: str = SECRET, name: str = "m1") -> dict[str, str]:
    """Headers as the official package makes them."""
    at = at or clock.now()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, at, body.decode()),
    }


def other_secret() -> str:
    return "whsec_" + base64.b64encode(b"another secret of another endpoint").decode()


def test_what_the_official_package_signs_is_verified() -> None:
    now = clock.now()
    assert fault_of(signed(), BODY, SECRET, now) is None
    both = signed()
    both["webhook-signature"] = f"v1a,AAAA v1,AAAA {both['webhook-signature']} nonsense"
    assert fault_of(both, BODY, SECRET, now) is None


@pytest.mark.parametrize(
    ("headers", "body", "fault"),
    [
        ({}, BODY, "it is not signed"),
        (signed(at=AT) | {"webhook-timestamp": ""}, BODY, "it is not signed"),
        (signed(at=AT) | {"webhook-timestamp": "soon"}, BODY, "its time is none"),
        (signed(at=AT) | {"webhook-timestamp": "١٢٣"}, BODY, "its time is none"),
        (signed(at=AT) | {"webhook-timestamp": "9" * 400}, BODY, "its time is none"),
        (signed(at=AT) | {"webhook-timestamp": "1"}, BODY, "its time is more than five minutes off"),
        (signed(at=AT) | {"webhook-id": "m2"}, BODY, "no signature fits"),
        (signed(at=AT) | {"webhook-signature": "v1,\udcff"}, BODY, "no signature fits"),
        (signed(at=AT, secret=other_secret()), BODY, "no signature fits"),
        (signed(at=AT), BODY + b" ", "no signature fits"),
    ],
)
def test_what_is_wrong_is_said(headers: dict[str, str], body: bytes, fault: str) -> None:
    assert fault_of(headers, body, SECRET, AT) == fault


@given(
    st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()), st.binary()
)
def test_nothing_forged_is_an_error_or_believed(headers: dict[str, str], body: bytes) -> None:
    assert fault_of(headers, body, SECRET, datetime(2026, 11, 22, tzinfo=UTC)) is not None


def test_a_secret_that_is_none_verifies_nothing() -> None:
    assert fault_of(signed(), BODY, "whsec_%%%", clock.now()) == "the secret is none"


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, list[Received]]]:
    told: list[Received] = []
    one = Receiver(0, told.append)
    with webhooks._serving(one):
        yield one, told


def test_the_receiver_answers_by_what_it_gets(receiver: tuple[Receiver, list[Received]]) -> None:
    one, told = receiver

    def post(content: bytes, headers: dict[str, str], url: str = one.url) -> int:
        return httpx.post(url, content=content, headers=headers, trust_env=False).status_code

    assert post(BODY, signed()) == 503  # the endpoint is not there yet
    one.secret = SECRET
    assert post(BODY, signed()) == 204
    assert post(BODY, {}) == 401
    assert post(b"x" * 20_000, signed()) == 413
    assert post(BODY, signed(), one.url + "/elsewhere") == 404
    assert httpx.get(one.url, trust_env=False).status_code == 501
    assert [(got.id, got.verified) for got in told] == [("m1", True), ("", False)]
    assert told[0].body == BODY


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    fake = FakeGateway()

    def from_data(_data: Path, _base_url: str | None = None) -> Client:
        return fake.client(sleep=lambda _seconds: None)

    monkeypatch.setattr(Client, "from_data", from_data)
    monkeypatch.setattr(webhooks, "PAUSE_SECONDS", 0.0)
    return fake


def run(*arguments: str) -> Any:
    return CliRunner().invoke(webhooks.app, list(arguments))


class Told:
    """Delivers to every endpoint that is made, from a thread of its own, as the gateway would."""

    def __init__(self, *deliveries: tuple[bytes, dict[str, str]]) -> None:
        self.deliveries = deliveries
        self.threads: list[threading.Thread] = []
        self.answers: list[int] = []

    def __call__(self, url: str) -> None:
        self.threads.append(threading.Thread(target=self._deliver, args=(url,)))
        self.threads[-1].start()

    def _deliver(self, url: str) -> None:
        for body, headers in self.deliveries:
            while (answer := httpx.post(url, content=body, headers=headers, trust_env=False)).status_code == 503:
                pass
            self.answers.append(answer.status_code)


def deliver(gateway: FakeGateway, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    made = webhooks.make_endpoint

    def make(client: Client, url: str, types: list[str]) -> dict[str, Any]:
        endpoint = made(client, url, types)
        assert endpoint["id"] in gateway.endpoints
        told(url)
        return endpoint

    monkeypatch.setattr(webhooks, "make_endpoint", make)


def test_listening_prints_what_comes_and_leaves_nothing(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.unheard_clients = 2
    told = Told((BODY, {}), (BODY, signed()), (BODY, signed()))
    deliver(gateway, told, monkeypatch)
    result = run("listen", "--types", "content.*", "--types", "members.*", "--count", "2", "--bodies")
    told.threads[0].join()
    assert result.exit_code == 0, result.output
    assert told.answers == [401, 204, 204]
    lines = result.stdout.splitlines()
    assert "events   content.*, members.*" in lines
    shown = [line for line in lines if line.startswith("content.post.published.v1")]
    assert ["NOT verified: it is not signed" in line for line in shown] == [True, False, False]
    assert [line.endswith("(again)") for line in shown] == [False, False, True]
    assert "m1" in shown[1]
    assert "2026-11-22T07:30:00Z" in shown[1]
    assert json.dumps(json.loads(BODY)) in lines
    assert gateway.endpoints == {}
    [client] = gateway.partners
    assert client["scopes"] == ["webhooks:manage"]


def test_the_client_is_made_once(gateway: FakeGateway) -> None:
    others = [{"name": "CRM", "id": ident("CRM")}, {"name": webhooks.CLIENT_NAME, "id": ident("mine")}]
    gateway.partners += others
    with gateway.client() as client:
        assert webhooks.find_client(client) == ident("mine")
        made = webhooks.make_endpoint(client, "http://127.0.0.1:9/webhooks", [])
    assert made["client_id"] == ident("mine")
    assert gateway.partners == others


def test_being_stopped_deletes_the_endpoint(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        assert gateway.endpoints
        raise KeyboardInterrupt

    monkeypatch.setattr(webhooks, "_print_all", stop)
    result = run("listen")
    assert result.exit_code == 0
    assert "events   all" in result.stdout
    assert gateway.endpoints == {}


def test_a_refused_endpoint_is_said(gateway: FakeGateway) -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/v1/endpoints":
            return None
        fault = {"pointer": "/url", "code": "address-refused", "detail": "It is inside."}
        return httpx.Response(422, json={"title": "Unprocessable", "errors": [fault]})

    gateway.faults.append(refuse)
    result = run("listen")
    assert isinstance(result.exception, ApiError)
    assert "/url It is inside." in str(result.exception)


def test_a_port_in_use_is_said(receiver: tuple[Receiver, list[Received]], gateway: FakeGateway) -> None:
    port = receiver[0].server.server_address[1]
    result = run("listen", "--port", str(port))
    assert isinstance(result.exception, ClientError)
    assert f"127.0.0.1:{port} cannot be listened on" in str(result.exception)
    assert gateway.requests == []


def sent(state: str, attempts: int, status: int | None = None, error: str | None = None) -> dict[str, Any]:
    found = {"event_id": ident("ping"), "state": state, "attempts": attempts}
    return {**found, "last_status": status, "last_error": error}


@pytest.mark.parametrize(
    ("outcome", "said", "code"),
    [
        (sent("delivered", 1, 204), "delivered: the endpoint answered 204", 0),
        (sent("pending", 1, 500), "pending: the endpoint answered 500", 1),
        (sent("pending", 1, None, "timeout"), "pending: the endpoint gave no answer: timeout", 1),
    ],
)
def test_a_ping_says_what_was_answered(gateway: FakeGateway, outcome: dict[str, Any], said: str, code: int) -> None:
    endpoint = ident("endpoint")
    gateway.endpoints[endpoint] = {}
    gateway.pings = [sent("pending", 0), sent("pending", 0), outcome]
    result = run("ping", "--endpoint", endpoint)
    assert (result.exit_code, result.stdout) == (code, f"{ident('ping')} {said}\n")
    assert gateway.told == [("/pings", {})]


def test_a_ping_that_does_not_go_out_is_said(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "ANSWER_SECONDS", 0.0)
    gateway.endpoints[ident("endpoint")] = {}
    gateway.pings = [sent("pending", 0)]
    result = run("ping", "--endpoint", ident("endpoint"))
    assert isinstance(result.exception, ClientError)
    assert "has not gone out yet" in str(result.exception)


def test_replay_asks_the_gateway(gateway: FakeGateway) -> None:
    endpoint = ident("endpoint")
    gateway.endpoints[endpoint] = {}
    result = run("replay", "--endpoint", endpoint, "--since", "2026-11-01")
    assert result.stdout == f"replay {ident('replay')} finished, 7 go out again\n"
    assert run("replay", "--endpoint", endpoint, "--since", "2026-11-01", "--undelivered").exit_code == 0
    assert run("replay", "--endpoint", endpoint, "--id", ident("a"), "--id", ident("b")).exit_code == 0
    assert gateway.told == [
        ("/replays", {"since": "2026-11-01T00:00:00+00:00"}),
        ("/replays", {"since": "2026-11-01T00:00:00+00:00", "only": "undelivered"}),
        ("/replays", {"event_id": ident("a")}),
        ("/replays", {"event_id": ident("b")}),
    ]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--since", "1h", "--id", ident("a")],
        ["--id", ident("a"), "--undelivered"],
        ["--undelivered"],
        ["--since", "yesterday"],
    ],
)
def test_replay_wants_one_of_both(gateway: FakeGateway, options: list[str]) -> None:
    result = run("replay", "--endpoint", ident("endpoint"), *options)
    assert isinstance(result.exception, ClientError)
    assert gateway.told == []


def test_hostile_bodies_are_printed_as_words(capsys: pytest.CaptureFixture[str]) -> None:
    for body in (
        b"[1]",
        b"\xff",
        b'{"type":"[red]\\u001b[2J\\u202e","timestamp":["x"]}',
        b'{"type":"' + b"x" * 9000 + b'"}',
    ):
        webhooks.show(Received("\x1b]0;x\x07", None, body), webhooks.console(), again=False, bodies=True)
    printed = capsys.readouterr().out
    assert all(letter.isprintable() or letter == "\n" for letter in printed)
    assert "[red]" in printed
    assert "x" * 101 not in printed.replace('"' + "x" * 9000 + '"', "")
