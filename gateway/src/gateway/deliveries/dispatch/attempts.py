"""One attempt: what is sent, and what its outcome means for the delivery and for the lane."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter

from chassis import clock
from gateway import signing
from gateway.deliveries import policy
from gateway.deliveries.dispatch.commands import Made, Settled
from gateway.deliveries.dispatch.lane import Lane
from gateway.deliveries.dispatch.queries import DueDelivery
from gateway.endpoints.queries import Target
from gateway.posting import Outcome

HIDDEN = "(hidden)"

POSTED = Counter("hearth_webhook_attempts_total", "Attempts to deliver webhooks by outcome", ["outcome"])
_COUNTS = {result: POSTED.labels(result.value) for result in policy.Result}


def headers_of(target: Target, delivery: DueDelivery) -> dict[str, str]:
    """Return the headers of an attempt: the endpoint's own, and the signatures of this moment by each of its keys."""
    keys = [signing.signing_key(one.text) for one in target.secrets]
    signed = signing.sign(str(delivery.event_id), int(clock.now().timestamp()), delivery.payload, keys)
    return {**target.headers, "content-type": "application/json", **signed}


def judge(lane: Lane, target: Target, delivery: DueDelivery, headers: Mapping[str, str], outcome: Outcome) -> Made:
    """Decide what an attempt makes of its delivery, and have the lane heed it."""
    result = policy.classify(outcome.status)
    now = clock.now()
    state, due_at = Settled.DELIVERED, None
    if result is not policy.Result.DELIVERED:
        due_at = policy.due_after(target.endpoint_id, delivery.event_id, delivery.tries + 1, now, outcome.retry_after)
        state = Settled.UNDELIVERED if due_at is None else Settled.PENDING
    lane.pace = lane.pace.after(result)
    lane.ailing = result is not policy.Result.DELIVERED
    rest = lane.pace.rest(result, outcome.retry_after)
    if rest:
        lane.pause(now + rest)
    if result is policy.Result.GONE:
        lane.buffer.clear()
        lane.more = False
    if target.fifo and due_at is not None:
        # Nothing may overtake it: the lane waits, and the delivery keeps its place.
        lane.pause(due_at)
        due_at = None
    _COUNTS[result].inc()
    return Made(
        endpoint_id=target.endpoint_id,
        event_id=delivery.event_id,
        tries=delivery.tries,
        state=state,
        due_at=due_at,
        started_at=outcome.started_at,
        milliseconds=outcome.milliseconds,
        url=target.url,
        address=outcome.address,
        request_headers=_shown(headers, target) if target.headers else headers,
        status=outcome.status,
        error=outcome.error,
        response_headers=outcome.headers,
        response_body=None if outcome.status is None else outcome.text,
        gone=result is policy.Result.GONE,
    )


def _shown(headers: Mapping[str, str], target: Target) -> dict[str, str]:
    """Return the headers as the log keeps them: the endpoint's own may be credentials."""
    return {name: HIDDEN if name in target.headers else value for name, value in headers.items()}
