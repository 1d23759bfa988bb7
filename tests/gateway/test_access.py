"""What a request leaves behind: ids, spans, figures and log lines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from tests.gateway.servers import POSTS, Echo, Running, running, serving

from chassis import telemetry
from gateway import access

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def lines() -> Iterator[Any]:
    """Return a function that makes a gateway log to us, and one that reads what it wrote."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)

    class Lines:
        def of(self, gateway: Running) -> None:
            log = access.Log(writing)
            log._enabled = True
            gateway.gateway._log = log

        def read(self) -> list[dict[str, Any]]:
            return [orjson.loads(line) for line in os.read(reading, 1 << 20).splitlines()]

    yield Lines()
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("given", ["abc-DEF_123.~", "0" * 128])
async def test_a_callers_request_id_travels(given: str) -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        reply = await gateway.ask("GET", POSTS, {"X-Request-Id": given})
    assert reply.get(b"x-request-id") == echo.last[b"x-request-id"] == given.encode()


@pytest.mark.parametrize(
    "given", ["short", "0" * 129, "with space in it", 'quote"quote', "你好你好你好", "a,b,c,d,e,f"]
)
async def test_a_strange_request_id_is_replaced(given: str) -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        reply = await gateway.ask("GET", POSTS, {"X-Request-Id": given})
    assert reply.get(b"x-request-id") == echo.last[b"x-request-id"]
    assert re.fullmatch(rb"[0-9a-f]{32}", reply.get(b"x-request-id") or b"")


async def test_every_answer_has_a_request_id_and_every_problem_a_trace() -> None:
    async with running() as gateway:
        for target in (POSTS, "/v1/nothing", "/v1//x", "/docs"):
            reply = await gateway.ask("GET", target)
            assert reply.get(b"x-request-id")
            if reply.status >= 400:
                assert re.fullmatch("(?!0{32})[0-9a-f]{32}", reply.problem["trace_id"])


async def test_a_trace_goes_on() -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        await gateway.ask("GET", POSTS, {"Traceparent": PARENT, "Tracestate": "vendor=1"})
        version, trace, span, flags = echo.last[b"traceparent"].decode().split("-")
        assert (version, trace, flags) == ("00", TRACE, "01")
        assert span != SPAN
        assert echo.last[b"tracestate"] == b"vendor=1"
        problem = (await gateway.ask("GET", POSTS, {"Traceparent": PARENT}, signed=False)).problem
        assert problem["trace_id"] == TRACE


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "x",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        PARENT.upper(),
        f"00-{TRACE}-{SPAN}",
    ],
)
async def test_a_trace_begins(parent: str) -> None:
    echo = Echo()
    async with serving(echo) as port, running(port) as gateway:
        await gateway.ask("GET", POSTS, {"Traceparent": parent, "Tracestate": "vendor=1", "Baggage": "email=a@b.test"})
    made = re.fullmatch("00-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-00", echo.last[b"traceparent"].decode())
    assert made is not None
    assert made[1] != TRACE
    assert b"tracestate" not in echo.last
    assert b"baggage" not in echo.last


async def test_where_traces_are_exported_each_request_is_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer("test"))
    echo = Echo()
    async with serving(echo) as port, running(port, otlp_endpoint="http://127.0.0.1:1/") as gateway:
        await gateway.ask("GET", f"{POSTS}?secret=1", {"Traceparent": PARENT})
        await gateway.ask("GET", "/v1/nothing")
    provider.shutdown()
    first, second = exporter.get_finished_spans()
    assert first.parent is not None
    assert first.context is not None
    assert (format(first.parent.trace_id, "032x"), format(first.parent.span_id, "016x")) == (TRACE, SPAN)
    assert echo.last[b"traceparent"].decode() == f"00-{TRACE}-{first.context.span_id:016x}-01"
    assert first.name == "GET /v1/communities/{}/posts/**"
    assert first.attributes == {
        "http.request.method": "GET",
        "http.route": "/v1/communities/{}/posts/**",
        "http.response.status_code": 200,
    }
    assert second.name == "GET unmatched"


async def test_a_line_names_route_and_caller_by_id_and_nothing_personal(lines: Any) -> None:
    async with serving(Echo()) as port, running(port) as gateway:
        lines.of(gateway)
        await gateway.ask(
            "GET", f"{POSTS}?q=alice@example.test", {"User-Agent": "Alice's phone", "X-Request-Id": "request-1"}
        )
        await gateway.ask("GET", "/v1/alice@example.test", signed=False)
        await gateway.ask("PURGE", POSTS)
        logged = lines.read()
    first, second, third = logged
    assert (first["event"], first["level"], first["service"]) == ("request", "info", "gateway")
    assert (first["method"], first["route"], first["upstream"], first["status"]) == (
        "GET",
        "/v1/communities/{}/posts/**",
        "content",
        200,
    )
    assert (first["account"], first["organization"]) == (str(gateway.account), str(gateway.organization))
    assert first["request_id"] == "request-1"
    assert first["seconds"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", first["timestamp"])
    assert (second["status"], second["problem"], "account" in second) == (404, "not-found", False)
    assert (third["method"], third["status"]) == ("other", 405)
    text = orjson.dumps(logged).decode()
    for personal in ("alice", "Alice", "127.0.0.1", gateway.token()[:20]):
        assert personal not in text


async def test_a_partners_program_is_named_as_one(lines: Any) -> None:
    async with serving(Echo()) as port, running(port) as gateway:
        lines.of(gateway)
        token = gateway.issuer.token(gateway.organization, gateway.account, client=True)
        await gateway.ask("GET", POSTS, {"Authorization": f"Bearer {token}"})
        (line,) = lines.read()
    assert line["client"] == str(gateway.account)
    assert "account" not in line


async def test_a_log_that_nobody_reads_stops_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    async with serving(Echo()) as port, running(port) as gateway:
        gateway.gateway._log = access.Log(writing)
        gateway.gateway._log._enabled = True
        assert (await gateway.ask()).status == 200
    os.close(writing)


async def test_figures_are_few_whatever_is_asked() -> None:
    def count(**labels: str) -> float:
        return REGISTRY.get_sample_value("hearth_gateway_request_seconds_count", labels) or 0

    content = {"service": "content", "method": "GET", "status": "2xx"}
    own = {"service": "gateway", "method": "GET", "status": "4xx"}
    before, before_own = count(**content), count(**own)
    async with serving(Echo()) as port, running(port) as gateway:
        for number in range(3):
            await gateway.ask("GET", f"{POSTS}/{number}")
            await gateway.ask("GET", f"/v1/nothing/{number}")
    assert (count(**content) - before, count(**own) - before_own) == (3, 3)
    samples = {
        tuple(sorted(sample.labels.items()))
        for metric in REGISTRY.collect()
        if metric.name == "hearth_gateway_request_seconds"
        for sample in metric.samples
        if sample.name.endswith("_count")
    }
    methods = {dict(labels)["method"] for labels in samples}
    assert methods <= access.METHODS | {"other"}
