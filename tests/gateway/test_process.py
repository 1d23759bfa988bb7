"""`python -m gateway` as it will be run."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from pydantic import ValidationError
from tests.gateway.servers import PATIENCE, POSTS, Reply, serving, wire

from chassis.ids import new_id
from chassis.testing.issuer import Issuer
from gateway.settings import GatewaySettings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def get(port: int, target: str, headers: dict[str, str] | None = None) -> Reply:
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    async with wire(port) as connection:
        await connection.send(f"GET {target} HTTP/1.1\r\nHost: hearth.test\r\n{lines}\r\n".encode())
        return await connection.reply()


class Service:
    """Publishes keys when told to, and answers the rest when told to."""

    def __init__(self) -> None:
        self.issuer = Issuer()
        self.published, self.may_answer = asyncio.Event(), asyncio.Event()
        self.asked = asyncio.Event()
        self.seen: list[dict[bytes, bytes]] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["path"] == "/.well-known/jwks.json":
            body, status = orjson.dumps(await self.issuer.jwks()), 200 if self.published.is_set() else 503
        else:
            self.seen.append(dict(scope["headers"]))
            self.asked.set()
            await self.may_answer.wait()
            body, status = b"{}", 200
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(new_id(), new_id())}"}


@dataclass
class Process:
    port: int
    internal_port: int
    process: asyncio.subprocess.Process
    service: Service

    async def until(self, target: str, status: int) -> Reply:
        """Ask the internal port until it answers so."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    reply = await get(self.internal_port, target)
                except OSError:
                    reply = None
                if reply is not None and reply.status == status:
                    return reply
                await asyncio.sleep(0.02)

    async def stop(self) -> list[dict[str, Any]]:
        """Send SIGTERM; return what was logged. It must end by itself, well."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            _, log = await self.process.communicate()
        assert self.process.returncode == 0, log.decode()
        return [orjson.loads(line) for line in log.splitlines()]


@asynccontextmanager
async def process(**environment: str) -> AsyncIterator[Process]:
    service = Service()
    async with serving(service) as upstream:
        url = f"http://127.0.0.1:{upstream}"
        port, internal_port = free_port(), free_port()
        settings = {
            "PORT": str(port),
            "INTERNAL_PORT": str(internal_port),
            "MEMBERS_URL": url,
            "CONTENT_URL": url,
            "ENGAGEMENT_URL": url,
        }
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "error",
            "-m",
            "gateway",
            "api",
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {f"HEARTH_{name}": value for name, value in (settings | environment).items()},
        )
        try:
            yield Process(port, internal_port, child, service)
        finally:
            if child.returncode is None:
                child.kill()
                await child.communicate()


async def test_it_is_ready_once_it_can_verify_and_stops_without_losing_a_request() -> None:
    async with process() as gateway:
        service = gateway.service
        await gateway.until("/livez", 200)
        assert orjson.loads((await gateway.until("/readyz", 503)).body)["failures"] == {"keys": "ConnectionError"}
        service.published.set()
        await gateway.until("/readyz", 200)
        assert (await gateway.until("/startupz", 200)).status == 200

        headers = {**service.authorization(), "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}
        waiting = asyncio.create_task(get(gateway.port, POSTS, headers))
        async with asyncio.timeout(PATIENCE):
            await service.asked.wait()
        stopping = asyncio.create_task(gateway.stop())
        async with asyncio.timeout(PATIENCE):
            while True:  # until nobody new is let in
                try:
                    await get(gateway.port, "/v1/nothing")
                except (OSError, asyncio.IncompleteReadError):
                    break
        service.may_answer.set()
        reply = await waiting
        assert (reply.status, reply.body) == (200, b"{}")
        lines = await stopping
    # Nobody on this machine is a trusted proxy by being on this machine.
    assert service.seen[0][b"x-forwarded-for"] == b"127.0.0.1"
    assert service.seen[0][b"x-forwarded-proto"] == b"http"
    assert {line["event"] for line in lines} >= {"started", "request", "stopped"}
    assert all(line["service"] == "gateway" for line in lines)


async def test_the_internal_port_measures_and_the_public_one_does_not_show_it() -> None:
    async with process(LOG_LEVEL="WARNING") as gateway:
        gateway.service.published.set()
        await gateway.until("/readyz", 200)
        gateway.service.may_answer.set()
        assert (await get(gateway.port, POSTS, gateway.service.authorization())).status == 200
        metrics = (await get(gateway.internal_port, "/metrics")).body.decode()
        assert 'hearth_gateway_request_seconds_count{method="GET",service="content",status="2xx"} 1.0' in metrics
        for path in ("/metrics", "/readyz", "/ops/outbox"):
            assert (await get(gateway.port, path)).status == 404
        async with wire(gateway.port) as connection:  # the bounded protocol serves, not uvicorn's own
            await connection.send(b"nonsense\r\n\r\n")
            assert (await connection.reply()).code == "malformed-http"
        lines = await gateway.stop()
    assert [line for line in lines if line["event"] == "request"] == []


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_CORS_ORIGINS", "https://a.test, https://b.test,")
    monkeypatch.setenv("HEARTH_TRUSTED_PROXIES", "10.0.0.0/8")
    monkeypatch.setenv("HEARTH_CONTENT_URL", "http://content:8080/")
    settings = GatewaySettings()
    assert settings.cors_origins == ("https://a.test", "https://b.test")
    assert settings.trusted_proxies == ("10.0.0.0/8",)
    assert settings.services["content"] == "http://content:8080"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEARTH_MEMBERS_URL", "ftp://x"),
        ("HEARTH_BODY_LIMIT", "99999999"),
        ("HEARTH_ANONYMOUS_RATE", "0"),
        ("HEARTH_TRUSTED_PROXIES", "everyone"),
        ("HEARTH_CORS_ORIGINS", "app.brand.test"),
    ],
)
def test_unsound_settings_are_refused_at_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        GatewaySettings()
