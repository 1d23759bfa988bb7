"""Reading endpoints' keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, or_, select

from chassis.db import Session
from chassis.vault import Vault
from gateway.endpoints import sealing
from gateway.endpoints.models import EndpointSecret
from gateway.endpoints.schemas import SecretOut


async def list_secrets(session: Session, endpoint_id: UUID, now: datetime) -> Sequence[EndpointSecret]:
    """Return the keys that sign now, newest first."""
    good = or_(col(EndpointSecret.expires_at).is_(None), col(EndpointSecret.expires_at) > now)
    wanted = select(EndpointSecret).where(EndpointSecret.endpoint_id == endpoint_id, good)
    return (await session.scalars(wanted.order_by(col(EndpointSecret.id).desc()))).all()


def out(vault: Vault, secret: EndpointSecret) -> SecretOut:
    """Return a key as whoever verifies by it needs it: the text of a shared one, the public half of the other."""
    shared = secret.scheme == "v1"
    text = sealing.open_secret(vault, secret.endpoint_id, secret.sealed) if shared else None
    return SecretOut.model_validate({**secret.model_dump(exclude={"sealed"}), "secret": text})
