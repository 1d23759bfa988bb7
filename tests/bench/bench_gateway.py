"""CPU per proxied request: the gateway beside a bare aiohttp proxy, same server, same upstream, same load, in turns.

Run: python tests/bench/bench_gateway.py [--quick]. Exits 1 when the gateway costs more than LIMIT times the bare proxy. All on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import aiohttp
import jwt
import orjson
import uvicorn
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from chassis import clock

LIMIT = 2.0
CONNECTIONS = 16
PATH = "/v1/communities/01890a5d-ac96-774b-bcce-b302099a8057/posts?limit=20"
SECRET = bytes(range(32))
BODY = orjson.dumps(
    {"data": [{"id": f"01890a5d-ac96-774b-bcce-{n:012d}", "body": "每天一起学一点。" * 3, "n": n} for n in range(22)]}
)
HOP = {b"host", b"connection", b"transfer-encoding", b"date", b"server"}
ACCOUNT = UUID("01890a5d-ac96-774b-bcce-b302099a8058")


ME = str(Path(__file__).resolve())


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def config(app: Any, port: int) -> uvicorn.Config:
    """Return the same server for all: uvicorn on uvloop and httptools."""
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        loop="uvloop",
        http="httptools",
        timeout_keep_alive=75,
    )


async def upstream(port: int) -> None:
    """Answer every path with a constant, and the keys where they belong."""
    key = OKPAlgorithm.to_jwk(Ed25519PrivateKey.from_private_bytes(SECRET).public_key(), as_dict=True)
    keys = orjson.dumps({"keys": [{**key, "kid": "bench", "alg": "EdDSA", "use": "sig"}]})

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        body = keys if scope["path"] == "/.well-known/jwks.json" else BODY
        fields = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"etag", b'"1"'),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    await uvicorn.Server(config(app, port)).serve()


async def bare(port: int, upstream_port: int) -> None:
    """The least that proxies: raw ASGI and an aiohttp client, nothing checked, nothing added."""
    base = f"http://127.0.0.1:{upstream_port}"
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:

        async def app(scope: Any, _receive: Any, send: Any) -> None:
            target = f"{base}{scope['raw_path'].decode()}?{scope['query_string'].decode()}"
            fields = [(name.decode(), value.decode()) for name, value in scope["headers"] if name not in HOP]
            async with session.request(scope["method"], target, headers=fields, allow_redirects=False) as answer:
                passed = [(name.lower(), value) for name, value in answer.raw_headers if name.lower() not in HOP]
                await send({"type": "http.response.start", "status": answer.status, "headers": passed})
                async for chunk in answer.content.iter_any():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})

        await uvicorn.Server(config(app, port)).serve()


def token() -> str:
    """Return an access token that the upstream's key signed."""
    now = clock.now()
    claims: dict[str, str | int] = {
        "iss": "hearth",
        "aud": "hearth",
        "sub": str(ACCOUNT),
        "org": str(ACCOUNT),
        "sid": str(ACCOUNT),
        "scope": "",
    }
    claims |= {"iat": int(now.timestamp()), "exp": int((now + timedelta(minutes=10)).timestamp())}
    return jwt.encode(claims, Ed25519PrivateKey.from_private_bytes(SECRET), algorithm="EdDSA", headers={"kid": "bench"})


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, all its threads."""
    return (
        sum(int(Path(task, "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9
    )


async def request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> int:
    """Send one request on a kept connection; return the length of the body. Raises RuntimeError unless the answer is 200."""
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return length


async def load(port: int, requests: int) -> None:
    """Send so many requests over CONNECTIONS connections."""
    message = (
        f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token()}\r\nAccept: application/json\r\n"
        "Accept-Encoding: gzip, deflate, br\r\nAccept-Language: zh-CN,zh;q=0.9\r\nUser-Agent: bench/1\r\nReferer: http://localhost/\r\n\r\n"
    ).encode()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(requests // CONNECTIONS):
            if await request(reader, writer, message) != len(BODY):
                raise RuntimeError("the answer is not the upstream's")
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(one())


def start(arguments: list[str], log: BinaryIO, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a process of the comparison."""
    return subprocess.Popen([sys.executable, *arguments], stderr=log, env={**os.environ, **(environment or {})})


async def listening(port: int) -> None:
    """Wait until something accepts on the port. Raises TimeoutError after 20 s."""
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def measure(pid: int, port: int, requests: int) -> float:
    """Return CPU microseconds per request."""
    before = cpu_seconds(pid)
    await load(port, requests)
    return (cpu_seconds(pid) - before) / requests * 1e6


async def compare(rounds: int, requests: int) -> float:
    """Run both in turns and return the median of the rounds' ratios."""
    up, plain, real, internal = (free_port() for _ in range(4))
    url = f"http://127.0.0.1:{up}"
    environment = {
        "HEARTH_PORT": str(real),
        "HEARTH_INTERNAL_PORT": str(internal),
        "HEARTH_MEMBERS_URL": url,
        "HEARTH_CONTENT_URL": url,
        "HEARTH_ENGAGEMENT_URL": url,
        # The limiter does its work on each request, and refuses none.
        "HEARTH_AUTHENTICATED_RATE": "1000000",
        "HEARTH_AUTHENTICATED_BURST": "1000000",
    }
    with tempfile.TemporaryFile() as log:
        started: list[subprocess.Popen[bytes]] = []
        try:
            started.append(start([ME, "upstream", str(up)], log))
            await listening(up)
            bare_process = start([ME, "bare", str(plain), str(up)], log)
            started.append(bare_process)
            gateway_process = start(["-m", "gateway"], log, environment)
            started.append(gateway_process)
            await listening(plain)
            await listening(real)
            await load(plain, 1000)
            await load(real, 1000)
            ratios = []
            for number in range(rounds):
                bare_cost = await measure(bare_process.pid, plain, requests)
                gateway_cost = await measure(gateway_process.pid, real, requests)
                ratios.append(gateway_cost / bare_cost)
                say(
                    f"round {number + 1}: bare {bare_cost:.0f} µs, gateway {gateway_cost:.0f} µs, ratio {ratios[-1]:.2f}"
                )
            return statistics.median(ratios)
        finally:
            for process in reversed(started):
                process.send_signal(signal.SIGTERM)
            for process in started:
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def main() -> int:
    """Run the comparison, or one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", nargs="?", choices=["upstream", "bare"])
    parser.add_argument("ports", nargs="*", type=int)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    arguments = parser.parse_args()
    if arguments.role == "upstream":
        uvloop.run(upstream(*arguments.ports))
        return 0
    if arguments.role == "bare":
        uvloop.run(bare(*arguments.ports))
        return 0
    ratio = uvloop.run(compare(3 if arguments.quick else 7, 4000 if arguments.quick else 12_000))
    say(f"gateway: CPU per proxied request = {ratio:.2f} x bare aiohttp proxy (limit {LIMIT})")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
