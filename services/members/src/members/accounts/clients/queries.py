"""Reading API clients."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from chassis.db import Session
from chassis.errors import not_found
from members.accounts.clients.models import Client
from members.accounts.clients.policy import Scope, client_id_of
from members.accounts.clients.schemas import ClientOut


async def list_clients(session: Session, *, limit: int, after: UUID | None) -> Sequence[Client]:
    """Return clients, oldest first, behind `after`."""
    wanted = select(Client).where(col(Client.deleted_at).is_(None))
    if after is not None:
        wanted = wanted.where(col(Client.id) > after)
    return (await session.scalars(wanted.order_by(col(Client.id)).limit(limit))).all()


async def find_client(session: Session, identifier: UUID) -> Client | None:
    """Return a client that is not deleted."""
    wanted = select(Client).where(Client.id == identifier, col(Client.deleted_at).is_(None))
    return (await session.scalars(wanted)).one_or_none()


async def get_client(session: Session, identifier: UUID) -> Client:
    """Return a client that is not deleted. Raises Problem 404."""
    found = await find_client(session, identifier)
    if found is None:
        raise not_found("client")
    return found


async def find_locked(session: Session, identifier: UUID) -> Client | None:
    """Return a client that is not deleted, locked for a change."""
    wanted = select(Client).where(Client.id == identifier, col(Client.deleted_at).is_(None)).with_for_update()
    return (await session.scalars(wanted)).one_or_none()


async def lock_client(session: Session, identifier: UUID) -> Client:
    """Return a client that is not deleted, locked for a change. Raises Problem 404."""
    found = await find_locked(session, identifier)
    if found is None:
        raise not_found("client")
    return found


def out(client: Client) -> ClientOut:
    """Return a client as staff gets it."""
    return ClientOut(
        id=client.id,
        client_id=client_id_of(client.organization_id, client.id),
        name=client.name,
        scopes=[Scope(scope) for scope in client.scopes],
        basis=client.basis,
        shared=client.shared,
        created_at=client.created_at,
        created_by=client.created_by,
        secret_changed_at=client.secret_changed_at,
        previous_secret_expires_at=client.previous_expires_at,
        last_used_at=client.last_used_at,
        version=client.version,
        can=["edit", "rotate_secret", "delete"],
    )
