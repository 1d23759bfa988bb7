"""What HTTP returns of deliveries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from chassis.schemas import Output
from gateway.deliveries.models import Reason, State

EVENT = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a77"
_PAYLOAD = (
    '{"type":"content.post.published.v1","timestamp":"2026-11-22T07:30:00Z",'
    '"subject":{"type":"post","id":"0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10","version":1},'
    '"community_id":"0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a11","data":{"section":"general"}}'
)


class DeliveryOut(Output):
    """One message to one endpoint, and what became of it."""

    event_id: UUID = Field(description="its `webhook-id`, the same in every attempt and replay", examples=[EVENT])
    type: str = Field(examples=["content.post.published.v1"])
    state: State
    reason: Reason | None = Field(description="why it is undelivered; none otherwise")
    attempts: int = Field(description="requests that were made, in all", examples=[1])
    replayed: bool = Field(description="whether somebody had it sent again")
    held: bool = Field(description="it waits because its endpoint is disabled")
    created_at: datetime
    due_at: datetime | None = Field(description="when it may go out, as its schedule says; none when it is settled")
    next_attempt_at: datetime | None = Field(
        description="when it goes out at the soonest, a pause that the endpoint asked for included; none when settled or held"
    )
    settled_at: datetime | None
    last_status: int | None = Field(description="of the last answer; none when there was none", examples=[204])
    last_error: str | None = Field(description="why there was no answer", examples=["timeout"])


class AttemptOut(Output):
    """One request to an endpoint, and its answer."""

    number: int = Field(examples=[1])
    replayed: bool = Field(description="whether it belongs to a replay")
    started_at: datetime
    milliseconds: int = Field(description="from the first byte that was sent to the last that was read", examples=[84])
    url: str = Field(examples=["https://crm.example.com/hooks/hearth"])
    address: str | None = Field(description="to which it went; none when it got nowhere", examples=["203.0.113.7"])
    request_headers: dict[str, str] = Field(
        description="as sent; what the endpoint's own headers say is hidden",
        examples=[{"webhook-id": EVENT, "webhook-timestamp": "1795332600", "webhook-signature": "v1,K5oZfzN95Z3..."}],
    )
    status: int | None = Field(examples=[204])
    error: str | None = Field(examples=["timeout"])
    response_headers: dict[str, str] | None = Field(examples=[{"content-type": "text/plain"}])
    response_body: str | None = Field(
        description="its beginning, up to 20,000 bytes; what is no text is replaced", examples=["ok"]
    )


class DeliveryDetailOut(DeliveryOut):
    """One message to one endpoint, as it was sent, with every attempt."""

    occurred_at: datetime
    community_id: UUID | None
    payload: str | None = Field(
        description="the body, byte for byte as it is sent and signed; none for a program while somebody in it does not agree to it",
        examples=[_PAYLOAD],
    )
    log: list[AttemptOut] = Field(description="the attempts, oldest first; of very many, the newest 100")


class SettledOut(Output):
    """What was settled in a span of time."""

    delivered: int = Field(examples=[1250])
    undelivered: int = Field(examples=[3])


class TimingOut(Output):
    """How fast an endpoint answers."""

    attempts: int = Field(description="of the last hour", examples=[42])
    p50_ms: float | None = Field(description="half of them were as fast; none without attempts", examples=[80.5])
    p99_ms: float | None = Field(description="all but one in a hundred were", examples=[410.0])


class HealthOut(Output):
    """How an endpoint does."""

    enabled: bool
    failing_since: datetime | None
    pending: int = Field(description="what waits, held or not", examples=[0])
    oldest_pending_at: datetime | None = Field(description="since when the oldest of it waits")
    last_24_hours: SettledOut
    last_7_days: SettledOut
    last_hour: TimingOut
    complete: bool = Field(
        description="false when there is so much that only the newest 100,000 deliveries were counted", examples=[True]
    )
