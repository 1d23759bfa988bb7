"""The gateway's own routes get a request's head as it came."""

from __future__ import annotations

from fastapi import FastAPI, Request

from gateway.exchange import Exchange
from gateway.local import Local


async def test_a_header_in_any_script_arrives_byte_for_byte() -> None:
    app, seen, sent = FastAPI(), [], []

    @app.post("/v1/inbound/{source}")
    async def take(source: str, request: Request) -> None:
        seen.append((source, dict(request.headers.raw)[b"webhook-timestamp"]))

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        sent.append(message)

    exchange = Exchange()
    exchange.forward.append(("Webhook-Timestamp", "١٢٣"))
    assert await Local(app, 5).forward("POST", "/v1/inbound/s", exchange, receive, send, 100) == 200
    assert seen == [("s", "١٢٣".encode())]
    assert sent
