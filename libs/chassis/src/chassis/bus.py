"""NATS JetStream: publishing with acknowledgement, pulling without stalls, and fan-out to every process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import nats
import nats.errors
import nats.js.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    ConsumerInfo,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StreamConfig,
)

from chassis import clock, telemetry
from contracts.base import SUBJECT_PREFIX, Envelope, stream_of

STREAM_AGE_SECONDS = 30 * 24 * 3600
DEDUPE_SECONDS = 120
PUBLISH_TIMEOUT_SECONDS = 5.0
PULL_EXPIRES_SECONDS = 5.0
ACK_WAIT_SECONDS = 30
BACKFILL_HEADER = "Hearth-Backfill"
FANOUT_BATCH = 100
FANOUT_INACTIVE_SECONDS = 60
FIRST_SECONDS = 3.0
"""How long a process that starts waits for the server before it goes on without it."""

log = telemetry.log("chassis.bus")


@dataclass(frozen=True)
class Outgoing:
    """One message to publish; `id` lets the server drop a copy that arrives within two minutes."""

    id: str
    subject: str
    payload: bytes
    backfill: str | None = None


class Bus:
    """One connection to NATS that never gives up."""

    def __init__(self, client: Client, service: str, connecting: asyncio.Task[None] | None = None) -> None:
        self._made = client
        self._made_js = client.jetstream(timeout=PUBLISH_TIMEOUT_SECONDS, publish_async_max_pending=5000)
        self._connecting = connecting
        self.service = service

    @property
    def _client(self) -> Client:
        self._expect()
        return self._made

    @property
    def _js(self) -> JetStreamContext:
        self._expect()
        return self._made_js

    def _expect(self) -> None:
        # A client that has never been connected takes what it is given and forgets it at its next try.
        if self._connecting is not None and not self._connecting.done():
            raise nats.errors.ConnectionClosedError

    @classmethod
    async def connect(cls, url: str, service: str) -> Bus:
        """Connect; a server that is away is waited for in the background, so that nothing else waits for it.

        The bus is usable once the server is there, raises nats.errors.Error until then, and reconnects for ever.
        """

        async def on_error(error: Exception) -> None:
            log.warning("nats_error", error=type(error).__name__, detail=str(error))

        client = Client()
        first = client.connect(
            url,
            name=f"hearth-{service}",
            error_cb=on_error,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=2,
            ping_interval=10,
            max_outstanding_pings=2,
        )
        connecting = asyncio.create_task(first)
        try:
            await asyncio.wait([connecting], timeout=FIRST_SECONDS)
        except asyncio.CancelledError:
            connecting.cancel()
            raise
        if connecting.done():
            connecting.result()
        return cls(client, service, connecting)

    @property
    def connected(self) -> bool:
        """Whether the server can be talked to right now."""
        return bool(self._made.is_connected)

    async def close(self) -> None:
        """Flush and close; a server that is away does not hold the process up."""
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._made.is_connected:
            with suppress(nats.errors.Error, asyncio.TimeoutError):
                await self._made.flush(timeout=2)
        # What was still to be sent to a server that is away is written to a closed connection, which uvloop answers with RuntimeError.
        with suppress(nats.errors.Error, OSError, RuntimeError):
            await self._made.close()

    async def ensure_stream(self) -> None:
        """Create this service's stream, or bring it up to date. Raises nats.errors.Error when the server is away."""
        await self._js.add_stream(
            StreamConfig(
                name=stream_of(self.service),
                subjects=[f"{SUBJECT_PREFIX}.{self.service}.>"],
                retention=RetentionPolicy.LIMITS,
                discard=DiscardPolicy.OLD,
                max_age=STREAM_AGE_SECONDS,
                duplicate_window=DEDUPE_SECONDS,
            )
        )

    async def publish(self, messages: Sequence[Outgoing]) -> list[bool]:
        """Publish side by side and wait for the acknowledgements; False means *unknown*, to be sent again with the same id."""
        futures: list[asyncio.Future[Any] | None] = []
        for message in messages:
            headers = {"Nats-Msg-Id": message.id}
            if message.backfill:
                headers[BACKFILL_HEADER] = message.backfill
            try:
                futures.append(
                    await self._js.publish_async(
                        message.subject, message.payload, wait_stall=PUBLISH_TIMEOUT_SECONDS, headers=headers
                    )
                )
            except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
                log.warning("publish_failed", error=type(error).__name__)
                futures.append(None)
                break
        waiting = [future for future in futures if future is not None]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=PUBLISH_TIMEOUT_SECONDS)
            for future in late:
                future.cancel()
        outcome = [
            future is not None and future.done() and not future.cancelled() and future.exception() is None
            for future in futures
        ]
        if any(isinstance(_failure(future), nats.js.errors.NoStreamResponseError) for future in waiting):
            await self.ensure_stream()
        return outcome + [False] * (len(messages) - len(outcome))

    async def ensure_consumer(self, service: str, durable: str, subjects: Sequence[str]) -> None:
        """Create the durable consumer on another service's stream, or bring it up to date. NotFoundError until the stream is there."""
        await self._js.add_consumer(
            stream_of(service),
            ConsumerConfig(
                durable_name=durable,
                deliver_policy=DeliverPolicy.ALL,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT_SECONDS,
                max_deliver=-1,
                max_ack_pending=5000,
                filter_subjects=list(subjects),
            ),
        )

    async def consumer_info(self, service: str, durable: str) -> ConsumerInfo:
        """Return how far a durable consumer is."""
        info: ConsumerInfo = await self._js.consumer_info(stream_of(service), durable)
        return info

    async def pull(self, service: str, durable: str, batch: int) -> Pull:
        """Open a pull on a durable consumer. Keep it."""
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox, pending_msgs_limit=-1, pending_bytes_limit=-1)
        return Pull(
            self._client, subscription, inbox, f"$JS.API.CONSUMER.MSG.NEXT.{stream_of(service)}.{durable}", batch
        )

    async def flush(self) -> None:
        """Wait until the server has what was sent. Raises nats.errors.Error when it is away."""
        await self._client.flush(timeout=int(PULL_EXPIRES_SECONDS))

    async def fanout(
        self,
        service: str,
        subjects: Sequence[str],
        handle: Callable[[Envelope], Awaitable[None]],
        *,
        since: timedelta = timedelta(),
    ) -> None:
        """Call `handle` with every event of a service's stream on these subjects, in order, in this process; runs until cancelled.

        It begins with what was published `since` ago, and after an interruption where it was interrupted, with a stream that was made
        anew too: the last event may come twice then. For caches and open streams, which one bad event must not end: it is logged.
        """
        reached = clock.now() - since
        while True:
            pull: Pull | None = None
            try:
                pull = await self.pull(service, await self._ephemeral(service, subjects, reached), FANOUT_BATCH)
                while True:
                    messages = await pull.next()
                    _heed_cancellation()
                    for message in messages:
                        reached = message.metadata.timestamp
                        await _hand_over(message, handle)
            except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
                log.info("fanout_waits", error=type(error).__name__)
            finally:
                if pull is not None:
                    await pull.close()
            await asyncio.sleep(1)

    async def _ephemeral(self, service: str, subjects: Sequence[str], start: datetime) -> str:
        """Make a consumer that ends soon after its process; return its name. NotFoundError until the stream is there."""
        made = await self._js.add_consumer(
            stream_of(service),
            ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_TIME,
                opt_start_time=start,
                ack_policy=AckPolicy.NONE,
                inactive_threshold=FANOUT_INACTIVE_SECONDS,
                mem_storage=True,
                filter_subjects=list(subjects),
            ),
        )
        return str(made.name)

    async def tail(self, subject: str) -> AsyncIterator[bytes]:
        """Yield the payload of each event on `subject` from now on."""
        subscription = await self._client.subscribe(subject)
        try:
            async for message in subscription.messages:
                # What is sent to one consumer again is no news.
                if BACKFILL_HEADER not in (message.headers or {}):
                    yield message.data
        finally:
            with suppress(nats.errors.Error):
                await subscription.unsubscribe()


def _heed_cancellation() -> None:
    """Raise CancelledError when it was swallowed: the client waits by a task of its own, which on Python 3.11 may just finish."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _hand_over(message: Msg, handle: Callable[[Envelope], Awaitable[None]]) -> None:
    if BACKFILL_HEADER in (message.headers or {}):
        return
    try:
        await handle(Envelope.model_validate_json(message.data))
    except (nats.errors.Error, nats.js.errors.Error, OSError):
        raise
    except Exception:
        log.exception("fanout_failed", subject=message.subject)


def _failure(future: asyncio.Future[Any]) -> BaseException | None:
    return future.exception() if future.done() and not future.cancelled() else None


class Pull:
    """A standing pull: one request for `batch` messages is kept open, and what arrives is handed over at once.

    The client's own `fetch` waits for a full batch or its timeout, which would put seconds between an event and its effect.
    """

    def __init__(
        self, client: Client, subscription: Subscription, inbox: str, request_subject: str, batch: int
    ) -> None:
        self._client = client
        self._subscription = subscription
        self._inbox = inbox
        self._request_subject = request_subject
        self._batch = batch
        self._owed = 0
        self._asked_at = 0.0
        self._reconnects = -1

    async def next(self) -> list[Msg]:
        """Return what is there, at least one message, or nothing after some seconds of quiet. Raises nats.errors.Error."""
        await self._ask()
        messages: list[Msg] = []
        try:
            first = await self._subscription.next_msg(timeout=PULL_EXPIRES_SECONDS)
        except nats.errors.TimeoutError:
            self._owed = 0
            return messages
        self._sort(first, messages)
        while len(messages) < self._batch and self._subscription.pending_msgs:
            self._sort(await self._subscription.next_msg(timeout=1), messages)
        return messages

    async def close(self) -> None:
        """End the subscription."""
        with suppress(nats.errors.Error):
            await self._subscription.unsubscribe()

    async def _ask(self) -> None:
        reconnects = self._client.stats["reconnects"]
        stale = asyncio.get_running_loop().time() - self._asked_at > PULL_EXPIRES_SECONDS
        if self._owed > 0 and not stale and reconnects == self._reconnects:
            return
        self._owed, self._reconnects, self._asked_at = self._batch, reconnects, asyncio.get_running_loop().time()
        request = {"batch": self._batch, "expires": int(PULL_EXPIRES_SECONDS * 1e9)}
        await self._client.publish(self._request_subject, orjson.dumps(request), reply=self._inbox)

    def _sort(self, message: Msg, messages: list[Msg]) -> None:
        status = (message.headers or {}).get("Status")
        if status is None:
            self._owed -= 1
            messages.append(message)
            return
        self._owed = 0
        if status not in {"100", "404", "408"}:
            description = (message.headers or {}).get("Description", "")
            if status == "409" and "Deleted" not in description:
                return
            raise nats.js.errors.NotFoundError(code=404, description=f"{status} {description}")
