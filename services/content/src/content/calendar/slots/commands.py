"""Every write of slots, and the events that tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from uuid import UUID

from chassis import clock, due, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem, invalid
from chassis.ids import new_id
from chassis.requests import check_version
from content.backlog import queries as items
from content.backlog.policy import ItemState
from content.calendar.occurrences import commands as occurrences
from content.calendar.recurrence.policy import Rhythm, Rule, RuleError, local_day, read_rule
from content.calendar.slots import queries
from content.calendar.slots.models import Slot
from content.calendar.slots.schemas import Fall, RulePreview, RulePreviewOut, SlotCreate, SlotUpdate
from content.groups import queries as groups
from content.themes import queries as themes
from content.themes.commands import check_may_plan
from contracts.content import SlotChanged, SlotDefined, SlotEvent, SlotRetired

EXPAND = "slots.expand"
"""The daily work of working out a slot's next day at the horizon."""
MOST_SLOTS = 200
FURTHEST_START = timedelta(days=366)
_NULLABLE = frozenset(("theme_id", "zone", "fallback_item_id"))
_PREVIEWED = 10


def _rule(text: str) -> Rule:
    try:
        return read_rule(text)
    except RuleError as error:
        raise invalid("/rrule", error.code, error.detail) from error


def _check_start(starts_on: date, zone: str) -> None:
    today = local_day(clock.now(), zone)
    if starts_on < today:
        raise invalid("/starts_on", "day-past", "A slot starts today or later.")
    if starts_on > today + FURTHEST_START:
        raise invalid("/starts_on", "day-too-far", "A slot starts within a year.")


def _rhythm(text: str, starts_on: date, at: time, zone: str) -> Rhythm:
    """Return a rhythm that falls at least once more. Raises Problem 422."""
    rhythm = Rhythm(_rule(text), starts_on, at, zone)
    if not rhythm.next(clock.now(), 1):
        raise invalid("/rrule", "rrule-never", "The rule falls on no day of the next years.")
    return rhythm


def preview(member: Standing, wanted: RulePreview) -> RulePreviewOut:
    """Say where a rule falls next. Raises Problem 422."""
    zone = wanted.zone or member.zone
    starts_on = wanted.starts_on or local_day(clock.now(), zone)
    _check_start(starts_on, zone)
    rhythm = _rhythm(wanted.rrule, starts_on, wanted.at, zone)
    falls = [Fall(on_date=day, due_at=due_at) for day, due_at in rhythm.next(clock.now(), _PREVIEWED)]
    return RulePreviewOut(rrule=rhythm.rule.text, zone=zone, falls=falls)


async def _check_fallback(session: Session, community_id: UUID, kind: str, item_id: UUID | None) -> None:
    if item_id is None:
        return
    item = (await items.lock_items(session, [item_id])).get(item_id)
    if item is None or item.community_id != community_id or item.state == ItemState.RETIRED:
        raise invalid("/fallback_item_id", "item-unknown", "The community's backlog has no such item.")
    if item.kind != kind:
        raise invalid("/fallback_item_id", "kind-differs", f"The slot takes what is of kind {kind}.")
    if item.state != ItemState.READY:
        raise invalid("/fallback_item_id", "item-not-ready", "A fallback is ready when it is needed.")


async def _check_group(session: Session, community_id: UUID, group_id: UUID | None) -> None:
    if group_id is not None and await groups.find_group(session, community_id, group_id) is None:
        raise invalid("/group_id", "group-unknown", "The community has no such group.")


def _plan(slot: Slot) -> occurrences.Plan:
    rhythm = None
    if slot.retired_at is None:
        rhythm = Rhythm(read_rule(slot.rrule), slot.starts_on, slot.at, slot.reckoned_zone)
    return occurrences.Plan(slot.id, slot.organization_id, slot.community_id, rhythm, slot.notice_hours)


def _tell(session: Session, slot: Slot, kind: type[SlotEvent], actor: UUID | None) -> None:
    outbox.emit(
        session,
        kind(
            slot_id=slot.id,
            community_id=slot.community_id,
            group_id=slot.group_id,
            kind=slot.kind,
            theme_id=slot.theme_id,
            rrule=slot.rrule,
            at=f"{slot.at:%H:%M}",
            zone=slot.reckoned_zone,
        ),
        organization_id=slot.organization_id,
        aggregate_id=slot.id,
        version=slot.version,
        community_id=slot.community_id,
        actor=actor,
    )


async def define_slot(session: Session, member: Standing, new: SlotCreate) -> Slot:
    """Define a slot, with its occurrences up to the horizon. Raises Problem 409, 422."""
    check_may_plan(member)
    zone = new.zone or member.zone
    starts_on = new.starts_on or local_day(clock.now(), zone)
    _check_start(starts_on, zone)
    rhythm = _rhythm(new.rrule, starts_on, new.at, zone)
    await themes.check_theme(session, member.community_id, new.theme_id)
    await _check_group(session, member.community_id, new.group_id)
    await _check_fallback(session, member.community_id, new.kind, new.fallback_item_id)
    if await queries.count_slots(session, member.community_id) >= MOST_SLOTS:
        raise Problem(409, "too-many-slots", f"There are {MOST_SLOTS} slots: retire one first.")
    slot = Slot(
        id=new_id(),
        organization_id=member.principal.organization_id,
        community_id=member.community_id,
        group_id=new.group_id,
        name=new.name,
        kind=new.kind.value,
        theme_id=new.theme_id,
        rrule=rhythm.rule.text,
        at=new.at,
        starts_on=starts_on,
        zone=new.zone,
        reckoned_zone=zone,
        late_policy=new.late_policy.value,
        tolerance_seconds=new.tolerance_seconds,
        notice_hours=new.notice_hours,
        fallback_item_id=new.fallback_item_id,
        created_by=member.principal.account_id,
        created_at=clock.now(),
    )
    session.add(slot)
    await session.flush()
    _tell(session, slot, SlotDefined, member.principal.account_id)
    await occurrences.reconcile(session, _plan(slot))
    await _look_tomorrow(session, slot)
    return slot


async def _look_tomorrow(session: Session, slot: Slot) -> None:
    await due.schedule(session, slot.organization_id, EXPAND, str(slot.id), clock.now() + timedelta(days=1))


async def _falling(session: Session, member: Standing, slot_id: UUID, expected: int) -> Slot:
    check_may_plan(member)
    slot = await queries.get_slot(session, member.community_id, slot_id, lock=True)
    check_version(expected, slot.version)
    if slot.retired_at is not None:
        raise Problem(409, "slot-retired", "The slot is retired: define another.")
    return slot


async def change_slot(
    session: Session, member: Standing, slot_id: UUID, expected: int, change: SlotUpdate
) -> tuple[Slot, list[UUID]]:
    """Change a slot and its occurrences to come; return it, and the items that lost their hour. Raises Problem 404, 409, 412, 422."""
    slot = await _falling(session, member, slot_id, expected)
    given = {name: getattr(change, name) for name in change.model_fields_set}
    values = {name: value for name, value in given.items() if value is not None or name in _NULLABLE}
    if all(getattr(slot, name) == value for name, value in values.items()):
        return slot, []
    await _check_change(session, member, slot, values)
    for name, value in values.items():
        setattr(slot, name, value)
    slot.reckoned_zone = slot.zone or member.zone
    slot.rrule = _rhythm(slot.rrule, slot.starts_on, slot.at, slot.reckoned_zone).rule.text
    slot.version += 1
    await session.flush()
    _tell(session, slot, SlotChanged, member.principal.account_id)
    return slot, await occurrences.reconcile(session, _plan(slot))


async def _check_change(session: Session, member: Standing, slot: Slot, values: Mapping[str, object]) -> None:
    zone = values.get("zone", slot.zone) or member.zone
    starts_on = values.get("starts_on")
    if isinstance(starts_on, date) and starts_on != slot.starts_on:
        _check_start(starts_on, str(zone))
    theme_id = values.get("theme_id")
    if isinstance(theme_id, UUID):
        await themes.check_theme(session, slot.community_id, theme_id)
    fallback = values.get("fallback_item_id")
    if isinstance(fallback, UUID):
        await _check_fallback(session, slot.community_id, slot.kind, fallback)


async def retire_slot(session: Session, member: Standing, slot_id: UUID, expected: int) -> tuple[Slot, list[UUID]]:
    """Retire a slot; return it, and the items that lost their hour. Raises Problem 404, 409, 412."""
    # Before the slot: a worker that expands it holds its work's row and then locks the slot.
    await due.cancel(session, member.principal.organization_id, EXPAND, str(slot_id))
    slot = await _falling(session, member, slot_id, expected)
    slot.retired_at = clock.now()
    slot.version += 1
    await session.flush()
    _tell(session, slot, SlotRetired, member.principal.account_id)
    return slot, await occurrences.reconcile(session, _plan(slot))


async def expand_slot(session: Session, slot_id: UUID) -> None:
    """Work out a slot's occurrences up to today's horizon, and look again tomorrow. A zone that changed unseen is taken over too."""
    slot = await queries.find_slot_to_expand(session, slot_id)
    if slot is None:
        return
    zone = slot.zone or await queries.find_zone(session, slot.community_id)
    if zone is not None:
        await _move_to(session, slot, zone)
    await occurrences.reconcile(session, _plan(slot))
    await _look_tomorrow(session, slot)


async def _move_to(session: Session, slot: Slot, zone: str) -> bool:
    if slot.reckoned_zone == zone:
        return False
    slot.reckoned_zone = zone
    slot.version += 1
    await session.flush()
    _tell(session, slot, SlotChanged, None)
    return True


async def follow_zones(session: Session, zones: Mapping[UUID, str]) -> None:
    """Have the slots of communities fall by the community's present zone: the same hours of another clock."""
    for slot in await queries.lock_slots_of(session, zones):
        if await _move_to(session, slot, zones[slot.community_id]):
            await occurrences.reconcile(session, _plan(slot))
