"""A receiver of webhooks as cheap as Python makes one: run as `python receiver.py PORT`.

POST /ok is answered 204 at once, POST /hang never. GET /receipts returns, as JSON, [webhook-id, nanoseconds of the monotonic clock] of
every POST to /ok since the last such question; GET /count how many there were.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, ClassVar

import uvloop

DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
ID = b"webhook-id: "


class Receiver(asyncio.Protocol):
    """One connection."""

    receipts: ClassVar[list[tuple[str, int]]] = []
    count: ClassVar[int] = 0

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers go out by."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._buffer += data
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            lower = head.lower()
            at = lower.find(b"content-length: ")
            length = int(lower[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._answer(head, lower)

    def _answer(self, head: bytes, lower: bytes) -> None:
        kind = type(self)
        if head.startswith(b"POST /ok"):
            at = lower.find(ID) + len(ID)
            kind.receipts.append((lower[at : at + 36].decode(), time.monotonic_ns()))
            kind.count += 1
            self._transport.write(DONE)
        elif head.startswith(b"GET /receipts"):
            self._send(json.dumps(kind.receipts).encode())
            kind.receipts.clear()
        elif head.startswith(b"GET /count"):
            self._send(str(kind.count).encode())

    def _send(self, body: bytes) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
