"""Receivers that behave in every way but well, and posting to them."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from time import monotonic

from tests.gateway.servers import PATIENCE, Echo, read_request, scripted, serving

from gateway.posting import Outcome, Poster

LOOPBACK = (ip_network("127.0.0.0/8"),)
BODY = b'{"type":"content.post.published"}'

Receiver = Callable[[StreamReader, StreamWriter, int], Awaitable[None]]


async def post(poster: Poster, port: int, seconds: float = PATIENCE, path: str = "/hooks") -> Outcome:
    return await poster.post(f"http://127.0.0.1:{port}{path}", {"webhook-id": "m1"}, BODY, seconds)


async def told(poster: Poster, receiver: Receiver, seconds: float = PATIENCE) -> Outcome:
    """Post once to a receiver that does this, and check that the next post is none the worse for it."""
    async with scripted(receiver) as service:
        began = monotonic()
        outcome = await post(poster, service.port, seconds)
        assert monotonic() - began < seconds + PATIENCE
    async with serving(Echo()) as port:
        assert (await post(poster, port)).status == 200
    assert (outcome.status is None) == (outcome.error is not None)
    return outcome


def saying(*parts: bytes) -> Receiver:
    """Return a receiver that reads the request, says this and leaves."""

    async def receive(reader: StreamReader, writer: StreamWriter, _: int) -> None:
        await read_request(reader)
        for part in parts:
            writer.write(part)
        await writer.drain()

    return receive


async def endless(writer: StreamWriter, part: bytes) -> int:
    """Send this again and again until the other side has had enough; return how many bytes the system took."""
    sent = 0
    while not writer.transport.is_closing():
        writer.write(part)
        await writer.drain()
        sent += len(part)
        await asyncio.sleep(0)
    return sent


async def dripping(writer: StreamWriter, part: bytes) -> None:
    while not writer.transport.is_closing():
        writer.write(part)
        await asyncio.sleep(0.05)
