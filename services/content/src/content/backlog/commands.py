"""Every write of the backlog. Items are the editors' own business: what goes out is told by the delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis import clock, due
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.requests import check_version
from content.backlog import policy, queries
from content.backlog.models import Item
from content.backlog.policy import ItemState
from content.backlog.schemas import ItemCreate, ItemUpdate
from content.media.uses import commands as media_uses
from content.posts import commands as posts
from content.posts import queries as post_queries
from content.posts.policy import PostKind
from content.posts.reviewing import queries as reviewing
from content.posts.schemas import Benefit
from content.rendering.texts import render
from content.themes import queries as themes
from content.themes.commands import check_may_plan

UNREADY = "items.unready"
_ARRANGED = frozenset(
    (
        "promotion",
        "evergreen",
        "expires_after_days",
        "review_after_days",
        "acknowledge",
        "acknowledge_within_days",
    )
)
_NULLABLE = frozenset(
    (
        "title",
        "theme_id",
        "note",
        "persona_id",
        "expires_after_days",
        "review_after_days",
        "acknowledge_within_days",
        "benefit",
    )
)


def _benefit(given: Benefit | None) -> dict[str, Any] | None:
    return None if given is None else given.model_dump(mode="json", exclude_none=True)


def _check_arranged(item: Item) -> None:
    """Raise Problem 422 where an item asks for what only announcements have, or for an end of what it does not ask for."""
    if item.kind != PostKind.ANNOUNCEMENT and (item.acknowledge or item.benefit is not None):
        at = "/acknowledge" if item.acknowledge else "/benefit"
        raise invalid(at, "announcements-only", "Only announcements are acknowledged and lead with a benefit.")
    if item.acknowledge_within_days is not None and not item.acknowledge:
        raise invalid("/acknowledge_within_days", "not-asked-for", "It does not ask to be acknowledged.")


def _check_complete(item: Item) -> None:
    if policy.lacks(ItemState(item.state), body=item.body):
        raise invalid("/body", "body-missing", "What is ready says something: write the body first.")


async def _check_approved(session: Session, item: Item) -> None:
    """Raise Problem 409 unless a second person made the item ready, where the community asks for it."""
    alone = item.state == ItemState.READY and item.approved_by is None
    if alone and item.kind in await reviewing.reviewed_kinds(session, item.community_id):
        raise Problem(
            409, "second-person-needed", "The community asks that another one than its writer makes it ready."
        )


async def _check_relations(session: Session, member: Standing, item: Item, given: set[str]) -> None:
    if "theme_id" in given:
        await themes.check_theme(session, item.community_id, item.theme_id)
    if "persona_id" in given:
        await posts.check_persona(session, item.community_id, item.persona_id, post_queries.caller_of(member))


async def add_item(session: Session, member: Standing, new: ItemCreate) -> Item:
    """Put an item into the backlog. Raises Problem 409, 422."""
    check_may_plan(member)
    now = clock.now()
    item = Item(
        id=new_id(),
        organization_id=member.principal.organization_id,
        community_id=member.community_id,
        kind=new.kind.value,
        theme_id=new.theme_id,
        title=new.title,
        body=new.body,
        note=new.note,
        section=new.section or policy.SECTIONS[new.kind],
        persona_id=new.persona_id,
        state=new.state.value,
        author_id=member.principal.account_id,
        created_at=now,
        updated_at=now,
        **new.model_dump(include=set(_ARRANGED)),
        benefit=_benefit(new.benefit),
    )
    _check_complete(item)
    _check_arranged(item)
    await _check_approved(session, item)
    await _check_relations(session, member, item, {"theme_id", "persona_id"})
    session.add(item)
    await session.flush()
    await _keep_media(session, member, item)
    return item


async def _keep_media(session: Session, member: Standing, item: Item) -> None:
    """Keep the uploads that an item's words name until it has gone out. Raises Problem 422."""
    media = (await render(item.body)).media if item.body and "media:" in item.body else []
    editor = member.principal.account_id
    await media_uses.use(session, item.organization_id, editor, "item", item.id, media)


async def change_item(session: Session, member: Standing, item_id: UUID, expected: int, change: ItemUpdate) -> Item:
    """Change an item; a change that changes nothing is none. Raises Problem 404, 409, 412, 422."""
    check_may_plan(member)
    item = await queries.get_item(session, member.community_id, item_id, lock=True)
    check_version(expected, item.version)
    if item.state == ItemState.RETIRED:
        raise Problem(409, "item-retired", "The item is retired: write another.")
    given = change.model_dump(exclude_unset=True)
    values = {name: value for name, value in given.items() if value is not None or name in _NULLABLE}
    if "benefit" in values:
        values["benefit"] = _benefit(change.benefit)
    if all(getattr(item, name) == value for name, value in values.items()):
        return item
    was_ready = item.state == ItemState.READY
    reworded = any(name in values and getattr(item, name) != values[name] for name in ("title", "body"))
    for name, value in values.items():
        setattr(item, name, value.value if isinstance(value, policy.WrittenState) else value)
    _check_complete(item)
    _check_arranged(item)
    await _note_hands(session, member, item, reworded=reworded, given="state" in values)
    await _check_relations(session, member, item, set(values))
    item.updated_at = clock.now()
    item.version += 1
    await session.flush()
    if "body" in values:
        await _keep_media(session, member, item)
    if was_ready and item.state != ItemState.READY:
        # A key of its own each time: a row that its worker holds would have editors wait for the calendar.
        key = f"{item.id}/{item.version}"
        await due.schedule(session, item.organization_id, UNREADY, key, item.updated_at, {"item_id": str(item.id)})
    return item


async def _note_hands(session: Session, member: Standing, item: Item, *, reworded: bool, given: bool) -> None:
    """Keep who wrote an item's words last and who made it ready; new words of what was ready are a draft where review is asked for.

    Raises Problem 409 when its writer makes it ready where the community asks for a second person.
    """
    editor = member.principal.account_id
    if reworded:
        item.edited_by, item.approved_by = editor, None
        reviewed = item.kind in await reviewing.reviewed_kinds(session, item.community_id)
        if reviewed and not given and item.state == ItemState.READY:
            item.state = ItemState.DRAFT.value
    if given:
        ready = item.state == ItemState.READY
        item.approved_by = policy.second_person(item.edited_by or item.author_id, editor) if ready else None
        await _check_approved(session, item)


async def retire_item(session: Session, member: Standing, item_id: UUID, expected: int) -> Item:
    """Take an item out of the backlog. Raises Problem 404, 409 while something needs it, 412."""
    check_may_plan(member)
    item = await queries.get_item(session, member.community_id, item_id, lock=True)
    check_version(expected, item.version)
    if item.state == ItemState.RETIRED:
        return item
    uses = await queries.find_uses(session, item.id)
    if uses:
        raise Problem(409, "item-in-use", f"The item is still needed ({', '.join(uses)}): take it from there first.")
    item.state = ItemState.RETIRED.value
    await media_uses.release(session, "item", [item.id])
    item.updated_at = clock.now()
    item.version += 1
    await session.flush()
    return item


_DELIVERED = text("""
UPDATE item SET state = 'delivered', updated_at = :now, version = version + 1
WHERE id = ANY(:items) AND state = 'ready'
""")


async def note_delivered(session: Session, item_ids: Sequence[UUID]) -> None:
    """Keep that items have gone out; a fallback stays ready and is not named here."""
    if item_ids:
        await session.execute(_DELIVERED, {"items": sorted(set(item_ids)), "now": clock.now()})
        await media_uses.release(session, "item", item_ids)
