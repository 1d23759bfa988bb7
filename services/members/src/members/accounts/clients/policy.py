"""What API clients may be allowed, how they are named, and which of their secrets is good."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

OLD_SECRET_GOOD_FOR = timedelta(hours=24)
_CLIENT_ID = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{32})")


class Scope(StrEnum):
    """What a partner's program may do. None of these is ever a right over the organization or a community."""

    CONTACTS_WRITE = "contacts:write"
    ORDERS_WRITE = "orders:write"
    MEMBERS_READ = "members:read"
    EVENTS_READ = "events:read"
    CONTENT_JUDGE = "content:judge"
    WEBHOOKS_MANAGE = "webhooks:manage"


def client_id_of(organization_id: UUID, identifier: UUID) -> str:
    """Return the client_id of OAuth: it says where to look before there is a tenant."""
    return f"{organization_id.hex}.{identifier.hex}"


def read_client_id(text: str) -> tuple[UUID, UUID] | None:
    """Return (organization, client), None for what is no client_id."""
    match = _CLIENT_ID.fullmatch(text)
    return (UUID(match[1]), UUID(match[2])) if match else None


def granted(asked: str | None, allowed: Iterable[str]) -> tuple[str, ...] | None:
    """Return the scopes of a token, sorted: those asked for, or all; None when one that is not allowed is asked for (RFC 6749 §3.3)."""
    known = set(allowed)
    wanted = set(asked.split(" ")) - {""} if asked else known
    return tuple(sorted(wanted)) if wanted and wanted <= known else None


def old_secret_good(expires_at: datetime | None, now: datetime) -> bool:
    """Tell whether the secret before the present one may still be used."""
    return expires_at is not None and now < expires_at
