"""Every write of endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete as delete_rows
from sqlalchemy import text
from sqlmodel import col, select

from chassis import clock, due, outbox
from chassis.db import Session
from chassis.errors import Fault, Problem
from chassis.ids import new_id
from chassis.requests import check_version
from chassis.tokens import Principal
from chassis.vault import Vault
from contracts.catalogue import filter_fault
from contracts.partners import EndpointChanged, EndpointDisabled, EndpointDisabling
from gateway.destinations import Destination, Network, examine
from gateway.endpoints import policy, queries, sealing
from gateway.endpoints.models import Endpoint, EndpointSecret
from gateway.endpoints.partners import queries as partners
from gateway.endpoints.schemas import EndpointCreate, EndpointCreatedOut, EndpointUpdate
from gateway.endpoints.secrets import commands as secrets
from gateway.lanes import commands as lanes

SETTLE = "deliveries.settle"
"""The work of deliveries that settles what a deleted endpoint would have got; its key is the endpoint."""
RESUME = "deliveries.resume"
"""The work of deliveries that lets out what has waited while an endpoint was disabled; its key is the endpoint."""
HASTEN = "deliveries.hasten"
"""The work of deliveries that lets out what waits for a later attempt; its key is the endpoint."""


async def create(
    session: Session, principal: Principal, body: EndpointCreate, *, vault: Vault, networks: Sequence[Network]
) -> EndpointCreatedOut:
    """Put an endpoint up, with its keys. Raises Problem 409 for one too many, 422."""
    changes = await _read(session, networks, body)
    if body.secret is not None:
        secrets.read(body.secret, "v1")
    client_id = await partners.own(session, principal, body.client_id)
    # One at a time in an organization, so that the limit holds.
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('endpoints:' || CAST(:organization_id AS text), 0))"),
        {"organization_id": str(principal.organization_id)},
    )
    if await queries.count_endpoints(session) >= policy.MOST_ENDPOINTS:
        raise Problem(409, "too-many-endpoints", f"An organization has at most {policy.MOST_ENDPOINTS} endpoints.")
    now = clock.now()
    endpoint = Endpoint(
        id=new_id(),
        organization_id=principal.organization_id,
        client_id=client_id,
        created_at=now,
        created_by=principal.account_id,
        updated_at=now,
        **changes,
    )
    endpoint.headers = sealing.seal_headers(vault, endpoint.id, body.headers)
    session.add(endpoint)
    await session.flush()
    made = [secrets.make(session, vault, endpoint, "v1", body.secret)]
    if body.v1a:
        made.insert(0, secrets.make(session, vault, endpoint, "v1a"))
    await lanes.make(session, endpoint.organization_id, endpoint.id)
    _tell(session, endpoint, principal.account_id)
    await session.flush()
    shown = await queries.out(session, endpoint)
    return EndpointCreatedOut(**shown.model_dump(), secrets=made)


async def update(
    session: Session,
    principal: Principal,
    endpoint_id: UUID,
    expected: int,
    body: EndpointUpdate,
    *,
    vault: Vault,
    networks: Sequence[Network],
) -> Endpoint:
    """Change an endpoint; a change that changes nothing is none. Raises Problem 404, 412, 422."""
    endpoint = await queries.get_endpoint(session, principal, endpoint_id, locked=True)
    check_version(expected, endpoint.version)
    wanted = await _read(session, networks, body)
    different = {name: value for name, value in wanted.items() if getattr(endpoint, name) != value}
    if body.headers is not None and body.headers != sealing.open_headers(vault, endpoint_id, endpoint.headers):
        different["headers"] = sealing.seal_headers(vault, endpoint_id, body.headers)
    if different:
        if "url" in different:
            # What failed was another place.
            different["failing_since"] = None
        await _change(session, endpoint, principal.account_id, different)
        if endpoint.enabled and not different.keys().isdisjoint({"url", "ordering"}):
            # What waits does so for how it was.
            await due.schedule(session, endpoint.organization_id, HASTEN, str(endpoint_id), clock.now())
    return endpoint


async def enable(session: Session, principal: Principal, endpoint_id: UUID) -> Endpoint:
    """Let an endpoint get again what happens, and what has waited; nothing comes of it when it does. Raises Problem 404, 409."""
    endpoint = await queries.get_endpoint(session, principal, endpoint_id)
    # Partner before endpoint, as when it is made or its partner withdrawn: two that lock both can then not wait for each other.
    await partners.check_active(session, endpoint.client_id)
    endpoint = await queries.get_endpoint(session, principal, endpoint_id, locked=True)
    if not endpoint.enabled:
        fresh = {"enabled": True, "disabled_reason": None, "disabled_at": None, "failing_since": None}
        await _change(session, endpoint, principal.account_id, fresh)
        await due.schedule(session, endpoint.organization_id, RESUME, str(endpoint_id), clock.now())
    return endpoint


async def disable_by_hand(session: Session, principal: Principal, endpoint_id: UUID) -> Endpoint:
    """Let an endpoint get nothing until it is enabled; nothing comes of it when it does not. Raises Problem 404."""
    endpoint = await queries.get_endpoint(session, principal, endpoint_id)
    await disable(session, endpoint_id, EndpointDisabling.BY_HAND, actor=principal.account_id)
    await session.refresh(endpoint)
    return endpoint


async def delete(session: Session, principal: Principal, endpoint_id: UUID) -> None:
    """Take an endpoint down for good: its keys and headers are destroyed, what it would have got is settled. Raises Problem 404."""
    endpoint = await queries.get_endpoint(session, principal, endpoint_id, locked=True)
    now = clock.now()
    await _change(session, endpoint, principal.account_id, {"deleted_at": now, "headers": None, "header_names": []})
    await session.execute(delete_rows(EndpointSecret).where(col(EndpointSecret.endpoint_id) == endpoint_id))
    await due.cancel(session, endpoint.organization_id, secrets.FORGET, str(endpoint_id))
    await lanes.rest(session, [endpoint_id])
    await due.schedule(session, endpoint.organization_id, SETTLE, str(endpoint_id), now)


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
    wanted = select(Endpoint).where(Endpoint.id == endpoint_id, col(Endpoint.deleted_at).is_(None))
    # Endpoint before lane, here as everywhere: two that lock both can then not wait for each other.
    rows = await session.scalars(wanted.with_for_update().execution_options(populate_existing=True))
    return bool(await _disable(session, list(rows), reason, failing_since, actor))


async def withdraw(session: Session, client_ids: Sequence[UUID]) -> None:
    """Let the endpoints of withdrawn API clients get nothing any more."""
    wanted = select(Endpoint).where(col(Endpoint.client_id).in_(client_ids), col(Endpoint.deleted_at).is_(None))
    rows = await session.scalars(
        wanted.order_by(col(Endpoint.id)).with_for_update().execution_options(populate_existing=True)
    )
    await _disable(session, list(rows), EndpointDisabling.CLIENT_WITHDRAWN, None, None)


async def _disable(
    session: Session,
    endpoints: Sequence[Endpoint],
    reason: EndpointDisabling,
    failing_since: datetime | None,
    actor: UUID | None,
) -> list[Endpoint]:
    stopped, now = [one for one in endpoints if one.enabled], clock.now()
    for endpoint in stopped:
        endpoint.enabled = False
        endpoint.disabled_reason, endpoint.disabled_at, endpoint.updated_at = reason, now, now
        endpoint.version += 1
        outbox.emit(
            session,
            EndpointDisabled(
                endpoint_id=endpoint.id, client_id=endpoint.client_id, reason=reason, failing_since=failing_since
            ),
            organization_id=endpoint.organization_id,
            aggregate_id=endpoint.id,
            version=endpoint.version,
            actor=actor,
        )
    await session.flush()
    await lanes.rest(session, [one.id for one in stopped])
    return stopped


async def _change(session: Session, endpoint: Endpoint, actor: UUID, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(endpoint, name, value)
    endpoint.updated_at = clock.now()
    endpoint.version += 1
    await session.flush()
    _tell(session, endpoint, actor)


def _tell(session: Session, endpoint: Endpoint, actor: UUID) -> None:
    outbox.emit(
        session,
        EndpointChanged(
            endpoint_id=endpoint.id,
            client_id=endpoint.client_id,
            enabled=endpoint.enabled and endpoint.deleted_at is None,
            deleted=endpoint.deleted_at is not None,
        ),
        organization_id=endpoint.organization_id,
        aggregate_id=endpoint.id,
        version=endpoint.version,
        actor=actor,
    )


async def _read(session: Session, networks: Sequence[Network], body: EndpointCreate | EndpointUpdate) -> dict[str, Any]:
    """Return the columns that a body names, but for the sealed headers. Raises Problem 422 with everything that is wrong."""
    named = {"description", "event_types", "community_ids", "ordering"}
    columns = body.model_dump(include=named, exclude_none=True)
    faults: list[Fault] = []
    if body.url is not None:
        place = examine(body.url, networks)
        if isinstance(place, Destination):
            columns["url"] = place.url
        else:
            faults.append(Fault("/url", place.code.replace("_", "-"), place.detail))
    if body.headers is not None:
        columns["header_names"] = sorted(body.headers)
        faults += _header_faults(body.headers)
    for index, pattern in enumerate(body.event_types or ()):
        words = filter_fault(pattern)
        if words is not None:
            faults.append(Fault(f"/event_types/{index}", "event-type-unknown", words))
    known = await partners.known_communities(session, body.community_ids or ())
    for index, community_id in enumerate(body.community_ids or ()):
        if community_id not in known:
            faults.append(
                Fault(f"/community_ids/{index}", "community-unknown", "The organization has no such community.")
            )
    if faults:
        raise Problem(422, "invalid", "The request is well-formed and not acceptable.", errors=faults[:50])
    return columns


def _header_faults(headers: dict[str, str]) -> list[Fault]:
    found = []
    for fault in policy.header_faults(headers):
        # A name that is too long is not repeated.
        known = fault.name is not None and len(fault.name) <= policy.LONGEST_NAME
        step = "/" + str(fault.name).replace("~", "~0").replace("/", "~1") if known else ""
        found.append(Fault(f"/headers{step}", fault.code.replace("_", "-"), fault.detail))
    return found
