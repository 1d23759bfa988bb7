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
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError
from tests.gateway.servers import PATIENCE, POSTS, Reply, serving, wire

from chassis.embedded.nats import Nats
from chassis.ids import new_id
from chassis.testing.cluster import Cluster, Database
from chassis.testing.issuer import Issuer
from gateway.service import service as partners
from gateway.settings import GatewaySettings

PARTNERS = "webhooks:manage"


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

    def authorization_of_a_program(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(new_id(), new_id(), scopes=(PARTNERS,), client=True)}"}


@dataclass
class Process:
    port: int
    internal_port: int
    process: asyncio.subprocess.Process
    service: Service

    async def until(self, target: str, status: int, *, without: tuple[str, ...] | None = None) -> Reply:
        """Ask the internal port until it answers so; with `without`, until exactly these checks fail."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    reply = await get(self.internal_port, target)
                except OSError:
                    reply = None
                if reply is not None and reply.status == status:
                    failures = orjson.loads(reply.body).get("failures", {}) if without is not None else {}
                    if without is None or tuple(sorted(failures)) == without:
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
async def process(role: str = "api", **environment: str) -> AsyncIterator[Process]:
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
            role,
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


def nowhere(scheme: str) -> str:
    """Return the address of a server that is not there."""
    return f"{scheme}://gateway:x@127.0.0.1:{free_port()}"


def of(database: Database) -> dict[str, str]:
    return {"GATEWAY_DATABASE_URL": database.application, "GATEWAY_WORKER_DATABASE_URL": database.worker}


async def post(port: int, target: str, body: bytes) -> Reply:
    async with wire(port) as connection:
        head = f"POST {target} HTTP/1.1\r\nHost: hearth.test\r\nContent-Type: application/json\r\n"
        await connection.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return await connection.reply()


async def people_are_served(gateway: Process) -> None:
    """Wait until the gateway is ready, and see that a person's request arrives and comes back."""
    gateway.service.published.set()
    gateway.service.may_answer.set()
    await gateway.until("/readyz", 200)
    reply = await get(gateway.port, POSTS, gateway.service.authorization())
    assert (reply.status, reply.body) == (200, b"{}")
    assert (await get(gateway.port, "/openapi.json")).status == 200


async def test_without_a_database_it_serves_people_and_refuses_partners() -> None:
    async with process() as gateway:
        await people_are_served(gateway)
        seen = len(gateway.service.seen)
        person, program = gateway.service.authorization(), gateway.service.authorization_of_a_program()
        for target in (
            "/v1/endpoints",
            "/v1/sources",
            "/v1/orders",
            "/v1/event-types",
            f"/v1/clients/{new_id()}/calls",
        ):
            reply = await get(gateway.port, target, person)
            assert (reply.status, reply.code) == (503, "partners-unconfigured"), target
        inbound = await post(gateway.port, f"/v1/inbound/{new_id()}", b"{}")
        assert (inbound.status, inbound.code) == (503, "partners-unconfigured")
        # Nobody could say afterwards what a program has asked: it is not served at all.
        for target in (POSTS, "/v1/endpoints"):
            reply = await get(gateway.port, target, program)
            assert (reply.status, reply.code) == (503, "audit-unavailable"), target
        # A token is looked at first, as ever.
        assert (await get(gateway.port, "/v1/endpoints")).status == 401
        assert len(gateway.service.seen) == seen
        await gateway.stop()


@pytest.mark.parametrize("role", ["api", "all"])
async def test_people_are_served_while_database_and_broker_are_away(role: str) -> None:
    """They are away when it starts already, which is the harder case."""
    away = nowhere("postgresql") + "/hearth_gateway"
    told = {"GATEWAY_DATABASE_URL": away, "GATEWAY_WORKER_DATABASE_URL": away, "NATS_URL": nowhere("nats")}
    async with process(role, **told) as gateway:
        await people_are_served(gateway)
        person, program = gateway.service.authorization(), gateway.service.authorization_of_a_program()
        for target in ("/v1/endpoints", "/v1/orders"):
            reply = await get(gateway.port, target, person)
            assert (reply.status, reply.code) == (503, "database-unavailable"), target
        inbound = await post(gateway.port, f"/v1/inbound/{new_id()}", b"{}")
        assert (inbound.status, inbound.code) == (503, "database-unavailable")
        refused = await get(gateway.port, POSTS, program)
        assert (refused.status, refused.code) == (503, "audit-unavailable")
        # What needs no database is told all the same.
        assert (await get(gateway.port, "/v1/event-types", person)).status == 200
        await people_are_served(gateway)
        await gateway.stop()


async def test_partners_are_served_when_their_database_is_there(cluster: Cluster) -> None:
    database = await cluster.fresh("gateway", partners.migrations)
    async with process("all", **of(database), NATS_URL=cluster.nats.url("gateway")) as gateway:
        await people_are_served(gateway)
        program = gateway.service.authorization_of_a_program()
        reply = await get(gateway.port, "/v1/sources", program)
        assert (reply.status, orjson.loads(reply.body)["data"]) == (200, [])
        assert (await post(gateway.port, f"/v1/inbound/{new_id()}", b"{}")).status == 404
        await gateway.stop()


async def test_a_worker_is_ready_with_its_database_and_its_broker_only(cluster: Cluster, tmp_path: Path) -> None:
    database = await cluster.fresh("gateway", partners.migrations)
    away = nowhere("postgresql") + "/hearth_gateway"
    apart = {"GATEWAY_DATABASE_URL": away, "GATEWAY_WORKER_DATABASE_URL": away}
    async with process("worker", **apart, NATS_URL=cluster.nats.url("gateway")) as worker:
        await worker.until("/readyz", 503, without=("database",))
        with pytest.raises(OSError, match=r"."):  # it has no public port
            await get(worker.port, POSTS)
        await worker.stop()

    # The broker comes later, goes, and comes again: the worker finds it by itself.
    broker = Nats(tmp_path / "nats", users={"gateway": "x"}, sync_always=False, die_with_parent=True)
    try:
        broker.start()
        url = broker.url("gateway")
        broker.stop()
        async with process("worker", **of(database), NATS_URL=url) as worker:
            await worker.until("/readyz", 503, without=("nats",))
            broker.start()
            await worker.until("/readyz", 200)
            broker.stop()
            await worker.until("/readyz", 503, without=("nats",))
            broker.start()
            await worker.until("/readyz", 200)
            broker.stop()
            await worker.until("/readyz", 503, without=("nats",))
            lines = await worker.stop()  # and ends in order without it too
    finally:
        broker.remove()
    assert {line["event"] for line in lines} >= {"started", "stopped"}


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
