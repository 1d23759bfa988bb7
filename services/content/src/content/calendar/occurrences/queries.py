"""Every SELECT of occurrences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from chassis.tokens import Principal
from content.calendar.occurrences import policy
from content.calendar.occurrences.models import Occurrence
from content.calendar.occurrences.policy import Filling, Holding, OccurrenceState
from content.calendar.occurrences.schemas import Gap, GapForecast, OccurrenceOut
from content.periods import Period
from content.suspension import SUSPENDED
from contracts.members import CommunityState

MOST_GAPS = 200

_VIEW = """
SELECT o.id, o.community_id, s.group_id, o.slot_id, s.name, s.kind, coalesce(i.theme_id, s.theme_id) AS theme_id, o.on_date,
    o.due_at, o.moved, o.state, o.item_id, i.title, o.activity_id, i.state AS item_state, a.state AS activity_state,
    f.state AS fallback_state, d.id AS delivery_id, d.state AS delivery_state, o.version, c.state AS community_state
FROM slot_occurrence AS o JOIN slot AS s ON s.id = o.slot_id
JOIN standing_community AS c ON c.community_id = o.community_id
LEFT JOIN item AS i ON i.id = o.item_id LEFT JOIN item AS f ON f.id = s.fallback_item_id
LEFT JOIN standing_activity AS a ON a.activity_id = o.activity_id LEFT JOIN delivery AS d ON d.occurrence_id = o.id
"""
_PAGE = """
WITH page AS MATERIALIZED (
    SELECT o.id FROM slot_occurrence AS o LEFT JOIN item AS i ON i.id = o.item_id
    LEFT JOIN standing_activity AS a ON a.activity_id = o.activity_id
    WHERE {conditions} ORDER BY o.due_at, o.id LIMIT :most)
{view} WHERE o.id IN (SELECT id FROM page) ORDER BY o.due_at, o.id
"""
_FILLED = "(coalesce(i.state = 'ready', false) OR coalesce(a.state = 'published', false))"
_FILLING = {
    Filling.FILLED: f"o.state = 'open' AND {_FILLED}",
    Filling.EMPTY: "o.state = 'open' AND o.item_id IS NULL AND o.activity_id IS NULL",
    Filling.AT_RISK: f"o.state = 'open' AND (o.item_id IS NOT NULL OR o.activity_id IS NOT NULL) AND NOT {_FILLED}",
}


class Filter(NamedTuple):
    """Which occurrences."""

    slot_id: UUID | None = None
    filling: Filling | None = None


def _out(row: Any, *, may_plan: bool) -> OccurrenceOut:  # noqa: ANN401  a row
    state = OccurrenceState(row.state)
    holding = Holding(row.item_state, row.activity_state or (None if row.activity_id is None else "unknown"))
    full = row.item_id is not None or row.activity_id is not None
    may = may_plan and row.community_state != CommunityState.ARCHIVED
    return OccurrenceOut.model_validate(
        {
            **row._mapping,  # noqa: SLF001  SQLAlchemy's public name for a row as a mapping
            "filling": policy.filling(holding) if state is OccurrenceState.OPEN else None,
            "fallback": row.fallback_state == policy.READY,
            "can": policy.abilities(state, full=full, may_plan=may),
        }
    )


async def get_occurrence(session: Session, community_id: UUID, occurrence_id: UUID) -> OccurrenceOut:
    """Return an occurrence as its planners see it. Raises Problem 404."""
    found = await session.execute(
        text(f"{_VIEW} WHERE o.id = :id AND o.community_id = :community"),
        {"id": occurrence_id, "community": community_id},
    )
    row = found.one_or_none()
    if row is None:
        raise not_found("occurrence")
    return _out(row, may_plan=True)


async def lock_occurrences(session: Session, ids: Sequence[UUID]) -> dict[UUID, Occurrence]:
    """Return occurrences by id, locked in one order."""
    found = await session.scalars(
        select(Occurrence)
        .where(col(Occurrence.id).in_(ids))
        .order_by(col(Occurrence.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {one.id: one for one in found}


async def lock_occurrence(session: Session, community_id: UUID, occurrence_id: UUID) -> Occurrence:
    """Return an occurrence, locked. Raises Problem 404."""
    found = (await lock_occurrences(session, [occurrence_id])).get(occurrence_id)
    if found is None or found.community_id != community_id:
        raise not_found("occurrence")
    return found


async def find_waiting(session: Session, item_id: UUID) -> UUID | None:
    """Return the occurrence that an item waits for."""
    found = await session.scalars(
        select(Occurrence.id).where(Occurrence.item_id == item_id, Occurrence.state == OccurrenceState.OPEN.value)
    )
    return found.one_or_none()


_PLANNED = text(f"""
SELECT community_id FROM standing_member AS member WHERE account_id = :account AND state = 'approved'
    AND roles && ARRAY['manager', 'editor'] AND NOT {SUSPENDED.format(community="member.community_id", account=":account")}
ORDER BY community_id
""")


async def list_communities(session: Session, principal: Principal) -> list[UUID]:
    """Return the communities in which a person plans: all to staff of the organization, else where they edit or manage."""
    if principal.staff:
        found = await session.execute(text("SELECT community_id FROM standing_community ORDER BY community_id"))
    else:
        found = await session.execute(_PLANNED, {"account": principal.account_id})
    return list(found.scalars())


async def list_calendar(
    session: Session,
    principal: Principal,
    communities: Sequence[UUID],
    cursors: Cursors,
    days: Period,
    wanted: Filter,
    *,
    limit: int,
    cursor: str | None,
) -> Page[OccurrenceOut]:
    """Return a page of the calendar of communities that the caller plans, in the order of the hours."""
    place = communities[0] if len(communities) == 1 else "all"
    scope = f"calendar:{principal.organization_id}:{principal.account_id}:{place}:{days.since}:{days.until}:{wanted}"
    after = cursors.decode(scope, cursor)
    conditions = ["o.community_id = ANY(:communities)", "o.due_at >= :since", "o.due_at < :until"]
    bound: dict[str, Any] = {
        "communities": list(communities),
        "since": days.begins_at,
        "until": days.ends_at,
        "most": limit + 1,
    }
    if wanted.slot_id is not None:
        conditions.append("o.slot_id = :slot")
        bound["slot"] = wanted.slot_id
    if wanted.filling is not None:
        conditions.append(_FILLING[wanted.filling])
    if after is not None:
        conditions.append("(o.due_at, o.id) > (:after, :after_id)")
        bound |= {"after": datetime.fromisoformat(after[0]), "after_id": UUID(after[1])}
    # The page first, along an index, and only for its rows what they hold and what became of them.
    query = _PAGE.format(conditions=" AND ".join(conditions), view=_VIEW)
    rows = (await session.execute(text(query), bound)).all()
    return Page(
        data=[_out(row, may_plan=True) for row in rows[:limit]],
        next_cursor=cursors.following(scope, rows, limit, lambda row: (row.due_at, row.id)),
    )


_GAPS = text(f"""
SELECT o.community_id, count(*) AS due, count(*) FILTER (WHERE {_FILLING[Filling.EMPTY]}) AS empty,
    count(*) FILTER (WHERE {_FILLING[Filling.AT_RISK]}) AS at_risk,
    count(*) FILTER (WHERE NOT {_FILLED} AND f.state = 'ready') AS covered,
    min(o.due_at) FILTER (WHERE NOT {_FILLED}) AS first_at
FROM slot_occurrence AS o JOIN slot AS s ON s.id = o.slot_id
LEFT JOIN item AS i ON i.id = o.item_id LEFT JOIN item AS f ON f.id = s.fallback_item_id
LEFT JOIN standing_activity AS a ON a.activity_id = o.activity_id
WHERE o.community_id = ANY(:communities) AND o.state = 'open' AND o.due_at > :now AND o.due_at <= :until
GROUP BY o.community_id ORDER BY first_at, o.community_id
""")
_LACKING = text(f"""
{_VIEW} WHERE o.community_id = ANY(:communities) AND o.state = 'open' AND o.due_at > :now AND o.due_at <= :until AND NOT {_FILLED}
ORDER BY o.due_at, o.id LIMIT :most
""")


async def forecast(session: Session, communities: Sequence[UUID], now: datetime, days: int) -> GapForecast:
    """Return what the next days lack, community by community, where the first gap comes soonest first."""
    until = now + timedelta(days=days)
    bound = {"communities": list(communities), "now": now, "until": until}
    gaps = [Gap.model_validate(row) for row in await session.execute(_GAPS, bound)]
    rows = await session.execute(_LACKING, {**bound, "most": MOST_GAPS})
    return GapForecast(until=until, gaps=gaps, occurrences=[_out(row, may_plan=True) for row in rows])


_IS_DUE = "FROM slot_occurrence AS o WHERE o.state = 'open' AND o.due_at <= :moment"
_DUE = text(f"SELECT o.id {_IS_DUE} ORDER BY o.due_at, o.id LIMIT :most FOR UPDATE SKIP LOCKED")
_LEFT = text(f"SELECT EXISTS (SELECT {_IS_DUE})")
_FACTS = text("""
SELECT o.id, s.group_id, s.kind, s.theme_id, s.late_policy, s.tolerance_seconds, s.fallback_item_id, s.created_by,
    c.state AS community_state, a.state AS activity_state, a.starts_at AS activity_starts_at
FROM slot_occurrence AS o JOIN slot AS s ON s.id = o.slot_id
LEFT JOIN standing_community AS c ON c.community_id = o.community_id
LEFT JOIN standing_activity AS a ON a.activity_id = o.activity_id
WHERE o.id = ANY(:ids)
""")


async def take_due(session: Session, moment: datetime, most: int) -> list[Occurrence]:
    """Return occurrences whose hour has come, locked; those that another scheduler holds are left to it."""
    ids = (await session.scalars(_DUE, {"moment": moment, "most": most})).all()
    if not ids:
        return []
    found = await session.scalars(
        select(Occurrence)
        .where(col(Occurrence.id).in_(ids))
        .order_by(col(Occurrence.due_at), col(Occurrence.id))
        .execution_options(populate_existing=True)
    )
    return list(found)


async def is_left(session: Session, moment: datetime) -> bool:
    """Return whether an occurrence is due that was not taken: others hold it."""
    return bool((await session.execute(_LEFT, {"moment": moment})).scalar_one())


async def find_facts(session: Session, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Return what is needed to settle occurrences: their slot's terms, and what they hold besides items."""
    return {row.id: row for row in await session.execute(_FACTS, {"ids": list(ids)})}


class Upcoming(NamedTuple):
    """A slot and its next hour, as the group card shows it."""

    occurrence_id: UUID
    slot_id: UUID
    group_id: UUID | None
    name: dict[str, str]
    kind: str
    due_at: datetime
    activity_id: UUID | None


_NEXT = text("""
SELECT * FROM (
    SELECT DISTINCT ON (o.slot_id) o.id AS occurrence_id, o.slot_id, s.group_id, s.name, s.kind, o.due_at, o.activity_id
    FROM slot_occurrence AS o JOIN slot AS s ON s.id = o.slot_id
    WHERE o.community_id = :community AND o.state = 'open' AND o.due_at >= :after
        AND (s.group_id IS NULL OR s.group_id = ANY(:groups))
    ORDER BY o.slot_id, o.due_at, o.id) AS upcoming
ORDER BY due_at, occurrence_id LIMIT :most
""")


async def list_next(
    session: Session, community_id: UUID, groups: Sequence[UUID], after: datetime, most: int
) -> list[Upcoming]:
    """Return the next hour of each of a community's slots, those of these groups with them, the soonest first."""
    bound = {"community": community_id, "groups": list(groups), "after": after, "most": most}
    return [Upcoming(*row) for row in await session.execute(_NEXT, bound)]
