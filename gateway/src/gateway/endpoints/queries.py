"""Reading endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, func, or_, select

from chassis import clock
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from chassis.tokens import Principal
from chassis.vault import Vault
from contracts.members import ClientBasis
from gateway.endpoints import policy, sealing
from gateway.endpoints.models import Endpoint, EndpointSecret
from gateway.endpoints.partners import queries as partners
from gateway.endpoints.schemas import EndpointOut


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that signs: `v1` is an HMAC key (whsec_…), `v1a` an Ed25519 one (whsk_…)."""

    scheme: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """All that a delivery to an endpoint needs. `basis` is its partner's; `failing_since` is set while it does nothing but fail."""

    endpoint_id: UUID
    organization_id: UUID
    client_id: UUID
    url: str
    fifo: bool
    headers: dict[str, str]
    secrets: tuple[Secret, ...]
    basis: ClientBasis
    failing_since: datetime | None


# A partner that members has not told of is treated as the one that may be told least. Keys come in the order in which they sign: newest first.
_TARGETS = text("""
SELECT endpoint.id, endpoint.organization_id, endpoint.client_id, endpoint.url, endpoint.ordering = 'fifo' AS fifo, endpoint.headers,
    endpoint.failing_since, coalesce(partner.basis, 'consent') AS basis,
    coalesce(keys.schemes, '{}') AS schemes, coalesce(keys.sealed, '{}') AS sealed
FROM endpoint LEFT JOIN partner ON partner.client_id = endpoint.client_id
    LEFT JOIN LATERAL (
        SELECT array_agg(scheme ORDER BY id DESC) AS schemes, array_agg(sealed ORDER BY id DESC) AS sealed
        FROM endpoint_secret WHERE endpoint_id = endpoint.id AND (expires_at IS NULL OR expires_at > :now)
    ) AS keys ON true
WHERE endpoint.id = ANY(:ids) AND endpoint.enabled AND endpoint.deleted_at IS NULL
""")


async def targets(session: Session, vault: Vault, endpoint_ids: Sequence[UUID], now: datetime) -> dict[UUID, Target]:
    """Return, of these endpoints, those of the session's tenant that may be delivered to now."""
    rows = await session.execute(_TARGETS, {"ids": list(endpoint_ids), "now": now})
    return {
        row.id: Target(
            endpoint_id=row.id,
            organization_id=row.organization_id,
            client_id=row.client_id,
            url=row.url,
            fifo=row.fifo,
            headers=sealing.open_headers(vault, row.id, row.headers),
            secrets=tuple(
                Secret(scheme, sealing.open_secret(vault, row.id, sealed))
                for scheme, sealed in zip(row.schemes, row.sealed, strict=True)
            ),
            basis=ClientBasis(row.basis),
            failing_since=row.failing_since,
        )
        for row in rows
    }


async def get_endpoint(session: Session, principal: Principal, endpoint_id: UUID, *, locked: bool = False) -> Endpoint:
    """Return an endpoint that is not deleted, for staff or its own program. Raises Problem 404."""
    wanted = select(Endpoint).where(Endpoint.id == endpoint_id, col(Endpoint.deleted_at).is_(None))
    if locked:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    found = (await session.scalars(wanted)).one_or_none()
    if found is None or not partners.visible(principal, found.client_id):
        raise not_found("endpoint")
    return found


async def count_endpoints(session: Session) -> int:
    """Return how many endpoints the organization has."""
    return (await session.scalars(select(func.count()).where(col(Endpoint.deleted_at).is_(None)))).one()


async def list_page(
    session: Session,
    principal: Principal,
    cursors: Cursors,
    *,
    client_id: UUID | None,
    enabled: bool | None,
    limit: int,
    cursor: str | None,
) -> Page[EndpointOut]:
    """Return a page of endpoints, oldest first: all of the organization for staff, its own for a program. Raises Problem 422."""
    scope = f"endpoints:{principal.organization_id}:{principal.client_id}:{client_id}:{enabled}"
    after = cursors.decode(scope, cursor)
    wanted = select(Endpoint).where(col(Endpoint.deleted_at).is_(None))
    for one in {client_id, principal.client_id} - {None}:
        wanted = wanted.where(Endpoint.client_id == one)
    if enabled is not None:
        wanted = wanted.where(col(Endpoint.enabled).is_(enabled))
    if after is not None:
        wanted = wanted.where(col(Endpoint.id) > UUID(after[0]))
    rows = list(await session.scalars(wanted.order_by(col(Endpoint.id)).limit(limit + 1)))
    following = cursors.following(scope, rows, limit, lambda row: row.id)
    return Page(data=await outs(session, rows[:limit]), next_cursor=following)


async def outs(session: Session, endpoints: Sequence[Endpoint]) -> list[EndpointOut]:
    """Return endpoints as they are shown."""
    good = or_(col(EndpointSecret.expires_at).is_(None), col(EndpointSecret.expires_at) > clock.now())
    signing = await session.execute(
        select(EndpointSecret.endpoint_id, EndpointSecret.scheme)
        .where(col(EndpointSecret.endpoint_id).in_([one.id for one in endpoints]), good)
        .distinct()
    )
    schemes: dict[UUID, list[str]] = {}
    for endpoint_id, scheme in signing:
        schemes.setdefault(endpoint_id, []).append(scheme)
    return [
        EndpointOut.model_validate(
            {
                **one.model_dump(exclude={"headers"}),
                "schemes": sorted(schemes.get(one.id, ())),
                "can": policy.can(one.enabled),
            }
        )
        for one in endpoints
    ]


async def out(session: Session, endpoint: Endpoint) -> EndpointOut:
    """Return an endpoint as it is shown."""
    [shown] = await outs(session, [endpoint])
    return shown
