"""Reading endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from chassis.db import Session
from chassis.vault import Vault
from contracts.members import ClientBasis
from gateway.endpoints import sealing


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
