"""Real HTTP on 127.0.0.1: servers inside the test's loop, scripted services, and a client that sends exactly the bytes it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from chassis.ids import new_id
from chassis.testing.issuer import Issuer
from chassis.tokens import Jwks, TokenVerifier
from gateway.app import Gateway
from gateway.calls.ledger import Call, Calls
from gateway.protocol import BoundedProtocol
from gateway.settings import GatewaySettings

COMMUNITY = "01890a5d-ac96-774b-bcce-b302099a8057"
POSTS = f"/v1/communities/{COMMUNITY}/posts"
PATIENCE = 10.0
"""Seconds before a test gives up; nothing that passes takes long."""


@asynccontextmanager
async def serving(app: Any, protocol: type[HttpToolsProtocol] = HttpToolsProtocol) -> AsyncIterator[int]:
    """Serve an ASGI app as uvicorn does, and yield its port."""
    config = uvicorn.Config(app, http=protocol, lifespan="off", log_config=None, access_log=False, proxy_headers=False)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=PATIENCE)


@dataclass
class Received:
    """One request as a service got it."""

    head: bytes
    body: bytes = b""

    @property
    def line(self) -> bytes:
        return self.head.partition(b"\r\n")[0]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        pairs = [line.partition(b":") for line in self.head.strip().split(b"\r\n")[1:]]
        return [(name.lower(), value.strip()) for name, _, value in pairs]

    def get(self, name: bytes) -> bytes | None:
        values = [value for found, value in self.headers if found == name]
        assert len(values) < 2, (name, values)
        return values[0] if values else None


async def read_request(reader: asyncio.StreamReader) -> Received:
    """Read one request with its body. Raises IncompleteReadError when the peer leaves."""
    received = Received(await reader.readuntil(b"\r\n\r\n"))
    received.body = await read_body(reader, dict(received.headers))
    return received


async def read_body(reader: asyncio.StreamReader, headers: Mapping[bytes, bytes]) -> bytes:
    if headers.get(b"transfer-encoding") == b"chunked":
        return b"".join([chunk async for chunk in read_chunks(reader)])
    return await reader.readexactly(int(headers.get(b"content-length", b"0")))


async def read_chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readline(), 16):
        yield await reader.readexactly(size)
        await reader.readline()
    await reader.readline()


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


@dataclass
class Scripted:
    """A service that does on each connection what its script says."""

    port: int = 0
    connections: int = 0
    failures: list[BaseException] = field(default_factory=list)


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[Scripted]:
    """Run a scripted service; its script gets the reader, the writer and the number of the connection, from 1."""
    service = Scripted()
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        service.connections += 1
        try:
            await script(reader, writer, service.connections)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        except BaseException as failure:  # noqa: BLE001  reported below
            service.failures.append(failure)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        for task in handlers:
            task.cancel()
        if handlers:
            await asyncio.wait(handlers)
    assert not service.failures, service.failures


def answer(body: bytes = b"{}", *, status: str = "200 OK", headers: bytes = b"") -> bytes:
    """Return an answer of a scripted service."""
    return (
        b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (status.encode(), len(body))
        + headers
        + b"\r\n"
        + body
    )


class Echo:
    """A service that keeps what it got and answers it as JSON."""

    def __init__(
        self, *, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None, body: bytes = b""
    ) -> None:
        self.requests: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.status, self.headers, self.body = status, headers or [], body

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        self.requests.append(scope)
        self.bodies.append(body)
        seen = {name.decode(): value.decode() for name, value in scope["headers"]}
        told = {
            "method": scope["method"],
            "raw_path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": seen,
            "length": len(body),
        }
        payload = self.body or orjson.dumps(told)
        fields = [*self.headers, (b"content-length", str(len(payload)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": fields})
        await send({"type": "http.response.body", "body": payload})

    @property
    def last(self) -> dict[bytes, bytes]:
        """The headers of the last request."""
        return dict(self.requests[-1]["headers"])


@dataclass
class Reply:
    """An answer as it came over the wire."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def get(self, name: bytes) -> bytes | None:
        values = [value for found, value in self.headers if found == name]
        assert len(values) < 2, (name, values)
        return values[0] if values else None

    @property
    def problem(self) -> dict[str, Any]:
        """The body as a problem document, checked to be one."""
        assert self.get(b"content-type") == b"application/problem+json", self
        document: dict[str, Any] = orjson.loads(self.body)
        assert document["status"] == self.status
        assert document["type"].startswith("urn:hearth:problem:")
        assert {"title", "detail", "trace_id"} <= document.keys()
        return document

    @property
    def code(self) -> str:
        return str(self.problem["type"]).removeprefix("urn:hearth:problem:")


class Wire:
    """One connection to a server, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> Reply:
        """Read the head of an answer."""
        async with asyncio.timeout(PATIENCE):
            received = Received(await self.reader.readuntil(b"\r\n\r\n"))
        return Reply(int(received.line.split(b" ")[1]), received.headers, b"")

    async def reply(self, *, method: str = "GET") -> Reply:
        """Read an answer with its body."""
        reply = await self.head()
        if method != "HEAD" and reply.status not in (204, 304):
            async with asyncio.timeout(PATIENCE):
                reply.body = await read_body(self.reader, dict(reply.headers))
        return reply

    async def rest(self) -> bytes:
        """Read until the server closes."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[Wire]:
    """Connect."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


@dataclass
class Running:
    """A gateway under test."""

    port: int
    gateway: Gateway
    issuer: Issuer
    account: UUID
    organization: UUID

    def token(self) -> str:
        """Return a valid access token."""
        return self.issuer.token(self.organization, self.account)

    def message(
        self,
        method: str = "GET",
        target: str = POSTS,
        headers: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        *,
        signed: bool = True,
    ) -> bytes:
        """Return the bytes of a request, with a token unless not `signed`."""
        fields: dict[str, str | int] = {"Host": "hearth.test"}
        if signed:
            fields["Authorization"] = f"Bearer {self.token()}"
        if body is not None:
            fields["Content-Length"] = len(body)
        fields |= headers or {}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + (body or b"")

    async def ask(
        self,
        method: str = "GET",
        target: str = POSTS,
        headers: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        *,
        signed: bool = True,
    ) -> Reply:
        """Send one request on a connection of its own and return the answer."""
        async with wire(self.port) as connection:
            await connection.send(self.message(method, target, headers, body, signed=signed))
            return await connection.reply(method=method)


class NotedCalls:
    """A ledger that is a list."""

    def __init__(self) -> None:
        self.begun: list[Call] = []
        self.ended: list[tuple[Call, int, int]] = []

    async def begin(self, call: Call) -> None:
        self.begun.append(call)

    def end(self, call: Call, status: int, milliseconds: int) -> None:
        self.ended.append((call, status, milliseconds))

    async def close(self) -> None:
        pass


@asynccontextmanager
async def running(
    content: int = 1,
    *,
    members: int = 1,
    engagement: int = 1,
    protocol: type[HttpToolsProtocol] = BoundedProtocol,
    calls: Calls | None = None,
    **settings: Any,
) -> AsyncIterator[Running]:
    """Run a gateway before services on these ports. Port 1 has nobody."""
    issuer = Issuer()
    urls = {"members_url": members, "content_url": content, "engagement_url": engagement}
    everywhere = {name: f"http://127.0.0.1:{port}" for name, port in urls.items()} | settings
    gateway = Gateway(
        GatewaySettings(**everywhere),
        tokens=TokenVerifier(Jwks(issuer.jwks)),
        calls=calls or NotedCalls(),
    )
    try:
        async with serving(gateway, protocol) as port:
            yield Running(port, gateway, issuer, new_id(), new_id())
    finally:
        await gateway.close()
