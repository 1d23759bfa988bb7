"""Setting cards and groups as a community template says."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from members.communities.templates.commands import Part
from members.groups import commands as groups
from members.groups.cards import commands as cards
from members.groups.cards.schemas import CardWrite
from members.groups.schemas import GroupCreate, GroupUpdate
from members.groups.templated import queries


async def _write_card(session: Session, standing: Standing, group_id: UUID | None, content: dict[str, Any]) -> None:
    await cards.write(
        session,
        organization_id=standing.principal.organization_id,
        community_id=standing.community_id,
        group_id=group_id,
        actor=standing.principal.account_id,
        body=CardWrite.model_validate(content),
    )


async def set_card(session: Session, standing: Standing, changes: dict[str, Any]) -> None:
    """Set pieces of the community's card. Raises Problem 409."""
    await _write_card(session, standing, None, {field.partition("/")[2]: value for field, value in changes.items()})


async def set_groups(session: Session, standing: Standing, changes: dict[str, Any]) -> None:
    """Make the groups that are not there yet, and change those that are. Raises Problem 409."""
    by_key: dict[str, dict[str, Any]] = {}
    said: dict[str, dict[str, Any]] = {}
    for field, value in changes.items():
        _, key, rest = field.split("/", 2)
        if rest.startswith("card/"):
            said.setdefault(key, {})[rest.partition("/")[2]] = value
        else:
            by_key.setdefault(key, {})[rest] = value
    known = await queries.groups_by_key(session, standing.community_id)
    actor = standing.principal.account_id
    for key, values in by_key.items():
        if key not in known:
            group = await groups.create(
                session,
                organization_id=standing.principal.organization_id,
                community_id=standing.community_id,
                actor=actor,
                body=GroupCreate.model_validate(values),
                template_key=key,
            )
            known[key] = group.id
        elif "dimension" in values:
            raise Problem(409, "dimension-fixed", f"Group {key} is along another dimension, which does not change.")
        else:
            body = GroupUpdate.model_validate(values)
            await groups.update(session, standing.community_id, known[key], actor, body)
    for key, content in said.items():
        await _write_card(session, standing, known[key], content)


PARTS = [Part("card", queries.card_fields, set_card), Part("groups", queries.group_fields, set_groups)]
"""What a community template can set of this noun."""
