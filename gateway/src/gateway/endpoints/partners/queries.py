"""Looking partners up, and whose things a caller may see."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from chassis.db import Session
from chassis.errors import Problem, invalid, not_found
from chassis.tokens import Principal
from gateway.endpoints.models import Partner

AT = "/client_id"


async def own(session: Session, principal: Principal, asked: UUID | None) -> UUID:
    """Return the API client to which something new belongs: a program's own, or the one that staff names.

    Raises Problem 422 at /client_id when that is another's, missing, unknown or withdrawn.
    """
    if principal.client_id is not None:
        if asked is not None and asked != principal.client_id:
            raise invalid(AT, "client-foreign", "An API client acts for itself: leave client_id out.")
        asked = principal.client_id
    if asked is None:
        raise invalid(AT, "missing", "Name the partner's API client.")
    wanted = select(Partner).where(Partner.client_id == asked)
    # Shared, so that it is not withdrawn between here and the commit.
    partner = (await session.scalars(wanted.with_for_update(read=True))).one_or_none()
    if partner is None:
        raise invalid(
            AT, "client-unknown", "There is no such API client; one that was made just now is here in a moment."
        )
    if not partner.active:
        raise invalid(AT, "client-withdrawn", "This API client was withdrawn.")
    return asked


async def check_active(session: Session, client_id: UUID) -> None:
    """Raise Problem 409 when the API client was withdrawn."""
    active = select(Partner.active).where(Partner.client_id == client_id, col(Partner.active))
    if (await session.scalars(active.with_for_update(read=True))).one_or_none() is None:
        raise Problem(409, "client-withdrawn", "The API client to which this belongs was withdrawn.")


async def refuse_withdrawn(session: Session, principal: Principal) -> None:
    """Raise Problem 403 for a program whose API client was withdrawn after it got its token. One that is not known yet may go on."""
    if principal.client_id is None:
        return
    withdrawn = select(Partner.client_id).where(Partner.client_id == principal.client_id, ~col(Partner.active))
    if (await session.scalars(withdrawn)).one_or_none() is not None:
        raise Problem(403, "client-withdrawn", "The API client was withdrawn.")


def visible(principal: Principal, client_id: UUID) -> bool:
    """Whether a caller may know of what belongs to an API client: staff of everything, a program of its own."""
    return principal.client_id is None or principal.client_id == client_id


async def known_communities(session: Session, community_ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these are communities of the organization."""
    if not community_ids:
        return set()
    found = await session.execute(text("SELECT id FROM community WHERE id = ANY(:ids)"), {"ids": list(community_ids)})
    return set(found.scalars())


async def get_client(session: Session, principal: Principal, given: str) -> UUID:
    """Return an API client of the organization, withdrawn or not, by its id or its client_id of OAuth. Raises Problem 404."""
    organization, dot, identifier = given.partition(".")
    try:
        client_id = UUID(identifier if dot else organization)
        foreign = bool(dot) and UUID(organization) != principal.organization_id
    except ValueError as error:
        raise not_found("client") from error
    found = select(Partner.client_id).where(Partner.client_id == client_id)
    if foreign or (await session.scalars(found)).one_or_none() is None:
        raise not_found("client")
    return client_id


def somebody_disagrees(message: str, client_id: str) -> str:
    """Return the SQL condition that a message names somebody who does not agree that the partner is told of them, or may be about one.

    `message` is the name of a row with `personal` and `persons`, `client_id` an expression. It matters for partners that need consent. For an
    account that became one with another, the other agrees or does not.
    """
    return f"""(({message}.personal AND cardinality({message}.persons) = 0) OR EXISTS (
        SELECT 1 FROM unnest({message}.persons) AS named(account_id)
        LEFT JOIN partner_merged AS merged ON merged.account_id = named.account_id
        LEFT JOIN partner_consent AS agreed ON agreed.client_id = {client_id}
            AND agreed.account_id = coalesce(merged.survivor_id, named.account_id)
        WHERE agreed.granted IS NOT TRUE))"""
