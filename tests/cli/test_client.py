from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from tests.cli.fake_gateway import CREDENTIALS, FakeGateway, problem

from hearth.client import ApiError, Client, ClientError, Credentials, chunks_of, load_credentials


class Time:
    """A time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def client_of(gateway: FakeGateway, time: Time) -> Client:
    return gateway.client(sleep=time.sleep, monotonic=time)


def away(times: int) -> FakeGateway:
    gateway = FakeGateway()

    def refuse(request: httpx.Request) -> httpx.Response | None:
        raise httpx.ConnectError("connection refused", request=request)

    def once(request: httpx.Request) -> httpx.Response | None:
        if len(gateway.requests) <= times:
            refuse(request)
        return None

    gateway.faults.append(once)
    return gateway


def test_signs_in_once_and_asks_with_the_token() -> None:
    gateway, time = FakeGateway(), Time()
    with client_of(gateway, time) as client:
        assert client.find_community("x") is None
        assert client.find_community("x") is None
    assert gateway.requests == [("POST", "/v1/sessions"), ("GET", "/v1/communities"), ("GET", "/v1/communities")]


def test_refreshes_before_expiry_and_signs_in_anew_when_that_is_refused() -> None:
    gateway, time = FakeGateway(), Time()
    with client_of(gateway, time) as client:
        client.find_community("x")
        time.now += 575  # of 600
        client.find_community("x")
        assert gateway.requests[2] == ("POST", "/v1/sessions/refresh")
        gateway.refresh_tokens.clear()
        time.now += 575
        client.find_community("x")
    assert gateway.requests[4:6] == [("POST", "/v1/sessions/refresh"), ("POST", "/v1/sessions")]


def test_a_token_of_short_life_is_not_renewed_for_each_call() -> None:
    gateway, time = FakeGateway(expires_in=20), Time()
    with client_of(gateway, time) as client:
        for _ in range(5):
            client.find_community("x")
    assert len(gateway.requests) == 6


def test_a_refused_token_is_renewed_once() -> None:
    gateway, time = FakeGateway(), Time()
    with client_of(gateway, time) as client:
        client.find_community("x")
        gateway.tokens.clear()
        client.find_community("x")
        gateway.faults.extend([lambda request: None if "sessions" in request.url.path else problem(401, "no")] * 2)
        with pytest.raises(ApiError) as error:
            client.find_community("x")
    assert error.value.status == 401


def test_wrong_password_is_said_in_one_line() -> None:
    credentials = Credentials(CREDENTIALS.base_url, CREDENTIALS.email, "wrong", CREDENTIALS.organization_id)
    client = Client(credentials, transport=httpx.MockTransport(FakeGateway()))
    with (
        client,
        pytest.raises(
            ApiError, match=r"The e-mail address or the password is wrong\. \[POST /v1/sessions answered 401\]"
        ),
    ):
        client.get("/v1/me")
    assert "wrong" not in repr(credentials)


def test_rides_out_a_restart() -> None:
    time = Time()
    gateway = away(times=8)
    with client_of(gateway, time) as client:
        assert client.find_community("x") is None
    assert time.slept == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_gives_up_after_a_minute() -> None:
    time = Time()
    with (
        client_of(away(times=10_000), time) as client,
        pytest.raises(ClientError, match="cannot be reached: connection refused"),
    ):
        client.find_community("x")
    assert 50 <= sum(time.slept) <= 60


def test_gives_up_on_a_service_that_stays_away_with_its_own_words() -> None:
    time, gateway = Time(), FakeGateway()
    gateway.faults.extend([lambda _request: problem(503, "unavailable", "content is away")] * 100)
    with client_of(gateway, time) as client, pytest.raises(ApiError, match="content is away") as error:
        client.find_community("x")
    assert error.value.status == 503
    assert sum(time.slept) <= 60


def test_waits_as_long_as_it_is_told_and_longer_than_a_minute_when_limited() -> None:
    time, gateway = Time(), FakeGateway()
    gateway.faults.extend([lambda _request: problem(429, "rate-limited", headers={"Retry-After": "30"})] * 5)
    with client_of(gateway, time) as client:
        client.find_community("x")
    assert time.slept == [30.0] * 5


@pytest.mark.parametrize("asked", ["nan", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "", "²", "9" * 400])
def test_a_strange_retry_after_does_no_harm(asked: str) -> None:
    time, gateway = Time(), FakeGateway()
    gateway.faults.append(lambda _request: httpx.Response(503, headers={b"Retry-After": asked.encode()}))
    with client_of(gateway, time) as client:
        client.find_community("x")
    assert 0.2 <= time.slept[0] <= 60


def test_a_write_whose_answer_was_lost_takes_effect_once() -> None:
    time, gateway = Time(), FakeGateway(lost_answers=1)
    with client_of(gateway, time) as client:
        answer = client.post("/v1/communities", {"name": {"en": "X"}, "slug": "xx", "zone": "UTC"})
    assert answer.status == 201
    assert answer.positions == (f"community/{answer.body['id']}@1",)
    assert len(gateway.answers) == 1


def test_waits_for_its_own_twin_but_not_for_another_conflict() -> None:
    time, gateway = Time(), FakeGateway()
    with client_of(gateway, time) as client:
        client.find_community("x")
        gateway.faults.append(lambda _request: problem(409, "idempotency-key-in-use", headers={"Retry-After": "1"}))
        client.post("/v1/communities", {"name": {"en": "X"}, "slug": "xx", "zone": "UTC"})
        with pytest.raises(ApiError, match="slug-taken"):
            client.post("/v1/communities", {"name": {"en": "X"}, "slug": "xx", "zone": "UTC"})
    assert time.slept == [1.0]


def test_a_problem_names_its_places_and_its_trace() -> None:
    document = {
        "title": "Unprocessable",
        "detail": "Not accepted.",
        "trace_id": "abc",
        "errors": [{"pointer": "/items/3/body", "code": "too-long", "detail": "too long"}],
    }
    error = ApiError(422, document, "POST /v1/x")
    assert str(error) == "Unprocessable: Not accepted. (/items/3/body too long) [POST /v1/x answered 422, trace abc]"


def test_an_answer_that_is_no_json_is_said() -> None:
    time, gateway = Time(), FakeGateway()
    with client_of(gateway, time) as client:
        client.find_community("x")
        gateway.faults.append(lambda _request: httpx.Response(200, text="<html>"))
        with pytest.raises(ClientError, match="not JSON"):
            client.get("/v1/me")
        gateway.faults.append(lambda _request: httpx.Response(500, text="<html>"))
        with pytest.raises(ApiError, match="Internal Server Error"):
            client.get("/v1/me")


def test_settling_sends_every_position_once_in_headers_that_fit() -> None:
    positions = [f"membership/{number:036d}@1" for number in range(1000)]
    headers = chunks_of([*positions, *positions])
    assert max(map(len, headers)) <= 6000
    assert max(len(header.split(",")) for header in headers) <= 200
    assert ", ".join(headers).split(", ") == positions
    assert chunks_of([]) == []


def test_credentials_of_the_stack(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="hearth up"):
        load_credentials(tmp_path)
    whole = {
        "base_url": "http://127.0.0.1:8080/",
        "email": "a@b.c",
        "password": "p",
        "organization_id": "o",
        "community_id": "c",
    }
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    assert load_credentials(tmp_path) == Credentials("http://127.0.0.1:8080", "a@b.c", "p", "o", "c")
    assert load_credentials(tmp_path, "https://other.example").base_url == "https://other.example"
    with pytest.raises(ClientError, match="not the address of a gateway"):
        load_credentials(tmp_path, "localhost:8080")
    for broken in ("{", "[]", '{"base_url": "http://x"}'):
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(ClientError, match="is not a credentials file"):
            load_credentials(tmp_path)
