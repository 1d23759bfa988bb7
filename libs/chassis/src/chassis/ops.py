"""Operating routes of the internal port, behind the operations token: outbox, dead letters, consumers, events."""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import nats.js.errors
import orjson
from nats.js.api import ConsumerInfo
from sqlalchemy import text
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from chassis import clock, consuming, relay
from chassis.ids import new_id
from chassis.runtime import Runtime
from contracts.base import SUBJECT_PREFIX, stream_of

MOST_LISTED = 200
JUST_MADE = timedelta(seconds=1)
_TYPE = re.compile(r"[a-z]+\.[a-z_]+\.[a-z_]+\.v[0-9]+")

Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(token: str, endpoint: Endpoint) -> Endpoint:
    """Let only the holder of the operations token in."""

    async def check(request: Request) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise HTTPException(401, "The operations token is needed.", {"WWW-Authenticate": "Bearer"})
        return await endpoint(request)

    return check


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of the body. Raises HTTPException 400."""
    try:
        document = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, "The body is not JSON.") from error
    if not isinstance(document, dict):
        raise HTTPException(400, "The body is no JSON object.")
    return document


def routes(runtime: Runtime) -> list[Route]:  # noqa: C901  a list of small endpoints
    """Return the operating routes of a service."""
    token = runtime.settings.ops_token.get_secret_value()
    engine, bus = runtime.worker_engine, runtime.bus

    async def outbox(_request: Request) -> Response:
        return JSONResponse({"service": runtime.service, **(await relay.status(engine)).__dict__})

    async def dead_letters(request: Request) -> Response:
        raw = request.query_params.get("limit", "50")
        limit = min(int(raw), MOST_LISTED) if raw.isascii() and raw.isdigit() else 50
        async with engine.connect() as connection:
            total = (await connection.execute(text("SELECT count(*) FROM dead_letter"))).scalar_one()
            rows = await connection.execute(
                text(
                    "SELECT id::text, consumer, event_id::text, type, organization_id::text, error, attempts, created_at::text "
                    "FROM dead_letter ORDER BY created_at, id LIMIT :limit"
                ),
                {"limit": limit},
            )
            return JSONResponse({"data": [dict(row) for row in rows.mappings()], "total": total})

    async def retry(request: Request) -> Response:
        retried, failed = await consuming.retry_dead_letters(
            engine, dict(runtime.consumers), (await body_of(request)).get("ids")
        )
        return JSONResponse({"retried": retried, "failed": failed})

    async def consumers(_request: Request) -> Response:
        data = []
        for consumer in runtime.consumers.values():
            for owner in sorted(consumer.services):
                try:
                    info: ConsumerInfo | None = await bus.consumer_info(
                        owner, consuming.durable_name(runtime.service, consumer.name)
                    )
                except nats.js.errors.NotFoundError:
                    info = None
                # Of a consumer that it has just made the server says that nothing waits, before it has counted.
                if info is not None and abs(clock.now() - info.created) < JUST_MADE:
                    info = None
                data.append(
                    {
                        "consumer": consumer.name,
                        "stream": stream_of(owner),
                        "types": [event for event in consumer.types if event.startswith(f"{owner}.")],
                        "pending": info.num_pending if info else None,
                        "ack_pending": info.num_ack_pending if info else None,
                    }
                )
        return JSONResponse({"data": data})

    async def clear(request: Request) -> Response:
        consumer = runtime.consumers.get(request.path_params["consumer"])
        if consumer is None:
            raise HTTPException(404, "There is no such consumer here.")
        try:
            await consumer.clear(engine)
        except LookupError as error:
            raise HTTPException(409, str(error)) from error
        return JSONResponse({"consumer": consumer.name, "types": consumer.types})

    async def republish(request: Request) -> Response:
        given = (await body_of(request)).get("since")
        try:
            since = datetime.fromisoformat(str(given))
        except ValueError as error:
            raise HTTPException(422, "`since` takes an RFC 3339 time.") from error
        if since.tzinfo is None:
            raise HTTPException(422, "`since` needs an offset, such as Z.")
        return JSONResponse({"republished": await relay.republish(engine, since)})

    async def replay(request: Request) -> Response:
        body = await body_of(request)
        consumer, types = body.get("consumer"), body.get("types")
        if (
            not isinstance(consumer, str)
            or not isinstance(types, list)
            or not all(_TYPE.fullmatch(str(one)) for one in types)
        ):
            raise HTTPException(422, "`consumer` takes a name and `types` a list of event types.")
        try:
            sent = await relay.replay(engine, bus, consumer, [str(one) for one in types], run=str(new_id()))
        except TimeoutError as error:
            raise HTTPException(503, f"{error}: run the backfill again") from error
        return JSONResponse({"replayed": sent})

    async def tail(_request: Request) -> Response:
        async def lines() -> AsyncIterator[bytes]:
            async for payload in bus.tail(f"{SUBJECT_PREFIX}.{runtime.service}.>"):
                yield payload + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return [
        Route("/ops/outbox", guarded(token, outbox)),
        Route("/ops/dead-letters", guarded(token, dead_letters)),
        Route("/ops/dead-letters/retry", guarded(token, retry), methods=["POST"]),
        Route("/ops/consumers", guarded(token, consumers)),
        Route("/ops/consumers/{consumer}/clear", guarded(token, clear), methods=["POST"]),
        Route("/ops/events/republish", guarded(token, republish), methods=["POST"]),
        Route("/ops/events/replay", guarded(token, replay), methods=["POST"]),
        Route("/ops/events/tail", guarded(token, tail)),
    ]
