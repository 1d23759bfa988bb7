"""Every write of endpoints."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from chassis import clock, outbox
from chassis.db import Session
from contracts.partners import EndpointDisabled, EndpointDisabling
from gateway.endpoints.models import Endpoint
from gateway.lanes import commands as lanes


async def disable(
    session: Session,
    endpoint_id: UUID,
    reason: EndpointDisabling,
    *,
    failing_since: datetime | None = None,
    actor: UUID | None = None,
) -> bool:
    """Let an endpoint get nothing any more, until somebody enables it; return whether it got something until now.

    What it would have got waits. `failing_since` goes into the notice.
    """
    wanted = select(Endpoint).where(
        Endpoint.id == endpoint_id, col(Endpoint.deleted_at).is_(None), col(Endpoint.enabled)
    )
    # Endpoint before lane, here as everywhere: two that lock both can then not wait for each other.
    endpoint = (await session.scalars(wanted.with_for_update().execution_options(populate_existing=True))).one_or_none()
    if endpoint is None:
        return False
    now = clock.now()
    endpoint.enabled = False
    endpoint.disabled_reason, endpoint.disabled_at, endpoint.updated_at = reason, now, now
    endpoint.version += 1
    await session.flush()
    await lanes.rest(session, endpoint_id)
    outbox.emit(
        session,
        EndpointDisabled(
            endpoint_id=endpoint_id, client_id=endpoint.client_id, reason=reason, failing_since=failing_since
        ),
        organization_id=endpoint.organization_id,
        aggregate_id=endpoint_id,
        version=endpoint.version,
        actor=actor,
    )
    return True
