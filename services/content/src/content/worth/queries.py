"""Every SELECT of worth. Lists read figures that were counted before; nothing is counted while somebody waits."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping, text

from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import not_found
from chassis.pagination import Cursors
from chassis.schemas import Page
from content.periods import Period
from content.worth import policy
from content.worth.policy import Figures
from content.worth.schemas import BalanceOut, FiguresOut, WeekOut, WorthOut

_WORTH = """
SELECT post.id AS post_id, post.kind, post.title, post.theme_id, post.group_id, post.promotion, post.origin, post.state, post.published_at,
    coalesce(worth.score, 0) AS score, coalesce(worth.points, 0) AS points, coalesce(worth.score_version, :version) AS score_version,
    worth.counted_at, readers, saves, discussants, repliers, compared, returned, expected, referrals, orders
FROM post LEFT JOIN worth ON worth.post_id = post.id
WHERE post.community_id = :community_id AND post.state IN ('published', 'expired')
"""


def _out(row: RowMapping) -> WorthOut:
    names = Figures.__dataclass_fields__
    counted = Figures(**{name: row[name] for name in names}) if row["counted_at"] else Figures()
    figures = FiguresOut(**{name: getattr(counted, name) for name in names}, uplift=policy.uplift(counted))
    return WorthOut.model_validate({**row, "figures": figures})


async def get_worth(session: Session, community_id: UUID, post_id: UUID) -> WorthOut:
    """Return what a piece did. Raises Problem 404 for what is no piece of the community, or was not seen yet or is gone."""
    found = await session.execute(
        text(_WORTH + "AND post.id = :post_id"),
        {"community_id": community_id, "post_id": post_id, "version": policy.SCORE_VERSION},
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise not_found("post")
    return _out(row)


class Filter(NamedTuple):
    """Which pieces of a community."""

    kind: str | None = None
    theme_id: UUID | None = None


async def list_worth(
    session: Session,
    reader: Standing,
    cursors: Cursors,
    days: Period,
    filters: Filter,
    *,
    limit: int,
    cursor: str | None,
) -> Page[WorthOut]:
    """Return a page of the pieces of some days, the most points first. Raises Problem 422 for a foreign cursor."""
    scope = f"worth:{reader.principal.organization_id}:{reader.community_id}:{days.since}:{days.until}:{filters}"
    after = cursors.decode(scope, cursor)
    bound: dict[str, datetime | Decimal | UUID | str | int] = {
        "community_id": reader.community_id,
        "version": policy.SCORE_VERSION,
        "since": days.begins_at,
        "until": days.ends_at,
        "limit": limit + 1,
    }
    where = "AND post.published_at >= :since AND post.published_at < :until"
    for column, value in filters._asdict().items():
        if value is not None:
            where += f" AND post.{column} = :{column}"
            bound[column] = value
    if after is not None:
        where += " AND (coalesce(worth.points, 0), post.id) < (:points, :after)"
        bound |= {"points": Decimal(after[0]), "after": UUID(after[1])}
    order = "ORDER BY coalesce(worth.points, 0) DESC, post.id DESC LIMIT :limit"
    rows = (await session.execute(text(f"{_WORTH} {where} {order}"), bound)).mappings().all()
    return Page(
        data=[_out(row) for row in rows[:limit]],
        next_cursor=cursors.following(scope, rows, limit, lambda row: (row["points"], row["post_id"])),
    )


# What members write of their own is neither: as in the mix of themes.
_BALANCE = text("""
SELECT CAST(date_trunc('week', published_at AT TIME ZONE :zone) AS date) AS monday,
    count(*) FILTER (WHERE NOT sells) AS value, count(*) FILTER (WHERE sells) AS promotion
FROM (
    SELECT post.published_at, post.promotion OR coalesce(theme.promotion, false) AS sells
    FROM post LEFT JOIN theme ON theme.id = post.theme_id
    WHERE post.community_id = :community_id AND post.state IN ('published', 'expired')
        AND post.published_at >= :since AND post.published_at < :until AND (post.theme_id IS NOT NULL OR post.kind <> 'post')
) AS said GROUP BY 1
""")


async def get_balance(session: Session, reader: Standing, days: Period) -> BalanceOut:
    """Return by week what served and what sold; `days` are whole weeks."""
    rows = await session.execute(
        _BALANCE,
        {"community_id": reader.community_id, "zone": reader.zone, "since": days.begins_at, "until": days.ends_at},
    )
    weeks = policy.weeks(days.since, days.until, {row.monday: (row.value, row.promotion) for row in rows})
    value, promotion = sum(one.value for one in weeks), sum(one.promotion for one in weeks)
    return BalanceOut(
        since=days.since,
        until=days.until,
        value=value,
        promotion=promotion,
        ratio=policy.ratio(value, promotion),
        weeks=[
            WeekOut(
                week=one.name,
                begins_on=one.begins_on,
                value=one.value,
                promotion=one.promotion,
                ratio=policy.ratio(one.value, one.promotion),
            )
            for one in weeks
        ],
    )
