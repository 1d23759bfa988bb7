"""Orders as partners tell them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chassis.ids import new_id
from chassis.testing.kit import envelope
from contracts.base import Envelope, Origin
from contracts.members import AccountMerged, ErasureOrdered
from contracts.partners import PartnerOrderRecorded, PartnerOrderRefunded

PLACED = datetime(2026, 11, 2, 16, 30, tzinfo=UTC)
"""00:30 on November 3 in Shanghai."""


def order(
    organization: UUID, version: int = 1, *, refund: bool = False, origin: Origin = Origin.LIVE, **said: Any
) -> Envelope:
    """A version of an order, whole; what is not said is the same in every one."""
    identifier = UUID(str(said.pop("order_id", None) or new_id()))
    event = (PartnerOrderRefunded if refund else PartnerOrderRecorded).model_validate(
        {
            "order_id": identifier,
            "client_id": UUID(int=7),
            "source": "crm",
            "external_id": f"SO-{identifier.hex[-8:]}",
            "account_id": None,
            "community_id": None,
            "placed_at": PLACED,
            "currency": "CNY",
            "amount_fen": 19900,
            "refunded_fen": 0,
            "cancelled": False,
            **said,
        }
    )
    return envelope(
        event,
        organization,
        identifier,
        version=version,
        community_id=event.community_id,
        occurred_at=PLACED,
        origin=origin,
    )


def merged(organization: UUID, gone: UUID, living: UUID) -> Envelope:
    """Two accounts became one."""
    return envelope(AccountMerged(account_id=living, merged_account_id=gone), organization, gone, version=2)


def erased(organization: UUID, account: UUID) -> Envelope:
    """Somebody is to be erased."""
    event = ErasureOrdered(erasure_id=new_id(), account_id=account)
    return envelope(event, organization, event.erasure_id)
