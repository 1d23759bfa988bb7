"""Every SELECT of reading. Hot reads return the answer's JSON as PostgreSQL built it."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from chassis import clock
from chassis.auth import Reading
from chassis.errors import Problem
from content.posts import queries as posts
from content.reading import policy

# From when on a post can be unread to the caller ($3): who joined later, or counts everything as read, begins there. $4 is the earliest.
HORIZON = """greatest($4,
    (SELECT joined_at FROM standing_member WHERE community_id = $2 AND account_id = $3),
    (SELECT until FROM read_horizon WHERE community_id = $2 AND account_id = $3))"""
UNREAD = "NOT EXISTS (SELECT FROM read_mark WHERE read_mark.account_id = $3 AND read_mark.post_id = post.id)"


class Filter(NamedTuple):
    """Which posts of a community."""

    section: str | None = None
    theme_id: UUID | None = None
    kind: str | None = None
    group_id: UUID | None = None


def _page(rows: str, limit: int, key: str, heat: str, joined: str = "") -> str:
    """Return the statement of a page of the feed from the statement of its posts, one more than fit."""
    extra = f"""json_build_object('theme_id', post.theme_id,
        'read', post.author_id = $3 OR mark.post_id IS NOT NULL OR post.published_at <= {HORIZON},
        'bookmarked', kept.post_id IS NOT NULL, 'heat', {heat})"""
    return f"""
    SELECT coalesce(CASE WHEN count(*) > {limit:d} THEN (array_agg({key} ORDER BY place))[{limit:d}] END, '') || E'\\n['
        || coalesce(string_agg(left(document, -1) || ',' || substr(extra, 2), ',' ORDER BY place) FILTER (WHERE nr <= {limit:d}), '') || ']'
    FROM (
        SELECT listed.*, row_number() OVER (ORDER BY listed.place) AS nr, ({extra})::text AS extra
        FROM ({posts.documents(rows)}) AS listed JOIN post ON post.id = listed.id {joined}
        LEFT JOIN read_mark AS mark ON mark.account_id = $3 AND mark.post_id = listed.id
        LEFT JOIN bookmark AS kept ON kept.account_id = $3 AND kept.post_id = listed.id) AS page
    """


def _conditions(filters: Filter, arguments: list[Any]) -> str:
    conditions = ""
    for column, value in filters._asdict().items():
        if value is not None:
            arguments.append(value)
            conditions += f" AND post.{column} = ${len(arguments) + 3}"
    return conditions


@lru_cache(maxsize=256)
def _newest(conditions: str, limit: int, staff: bool, unread: bool) -> str:  # noqa: FBT001  the key of a cache
    where = f"community_id = $2 AND {posts.published(staff)} {conditions}"
    order = "ORDER BY published_at DESC, id DESC"
    if unread:
        look = f"""SELECT * FROM post WHERE {where} AND published_at > {HORIZON} AND author_id <> $3
            {order} LIMIT {policy.UNREAD_LOOK:d}"""
        rows = f"SELECT * FROM ({look}) AS post WHERE {UNREAD} {order} LIMIT {limit + 1:d}"
    else:
        rows = f"SELECT * FROM post WHERE {where} {order} LIMIT {limit + 1:d}"
    rows = f"SELECT row_number() OVER () AS place, * FROM ({rows}) AS newest"
    return _page(rows, limit, "published_at::text || '|' || id", "NULL::json")


@lru_cache(maxsize=256)
def _hot(conditions: str, limit: int, staff: bool, unread: bool) -> str:  # noqa: FBT001  the key of a cache
    """Return the statement of a page out of a ranking ($5), behind a place ($6)."""
    if unread:
        conditions += f" AND published_at > {HORIZON} AND author_id <> $3 AND {UNREAD}"
    rows = f"""
        SELECT ranked.place, post.* FROM hot_place AS ranked JOIN post ON post.id = ranked.post_id
        WHERE ranked.ranking_id = $5 AND ranked.place > $6 AND post.community_id = $2 AND {posts.published(staff)} {conditions}
        ORDER BY ranked.place LIMIT {limit + 1:d}"""
    heat = """json_build_object('score', ranked.score, 'reactors', ranked.reactors, 'comments', ranked.comments,
        'saves', ranked.saves, 'readers', ranked.readers)"""
    joined = "JOIN hot_place AS ranked ON ranked.ranking_id = $5 AND ranked.place = listed.place"
    return _page(rows, limit, "place::text", heat, joined)


def earliest() -> datetime:
    """Return from when on posts can be unread at all."""
    return clock.now() - policy.UNREAD_DAYS


def scope_of(reading: Reading, order: policy.Order, filters: Filter, *, unread: bool) -> str:
    """Return what a cursor of the feed is good for."""
    place = f"{reading.principal.organization_id}:{reading.community_id}:{reading.principal.account_id}"
    return f"feed:{place}:{order}:{unread}:" + ":".join(map(str, filters))


async def list_newest(reading: Reading, filters: Filter, *, unread: bool, limit: int, cursor: str | None) -> bytes:
    """Return a page of the feed as JSON, newest first. Raises Problem 403, 404, 422 for a foreign cursor."""
    cursors = reading.runtime.cursors
    scope = scope_of(reading, policy.Order.NEWEST, filters, unread=unread)
    arguments: list[Any] = [earliest()]
    conditions = _conditions(filters, arguments)
    after = cursors.decode(scope, cursor)
    if after is not None:
        arguments += [datetime.fromisoformat(after[0]), UUID(after[1])]
        conditions += f" AND (published_at, id) < (${len(arguments) + 2}, ${len(arguments) + 3})"
    member, found = await reading.fetch(_newest(conditions, limit, reading.principal.staff, unread), *arguments)
    last, documents = posts.split(found, "community")
    return posts.page(last, posts.with_abilities(documents, member, "comment"), cursors, scope)


_RANKING = "SELECT id FROM hot_ranking WHERE community_id = $2 AND (ranked_at = $4 OR id = $5)"


async def find_ranking(reading: Reading, *, at: datetime | None = None, ranking_id: UUID | None = None) -> UUID | None:
    """Return the ranking of an instant, or one by its id while it is kept. Raises Problem 403, 404."""
    _, found = await reading.fetch(_RANKING, at, ranking_id)
    return UUID(found.decode()) if found else None


async def list_hot(
    reading: Reading, filters: Filter, ranking_id: UUID, after: int, *, unread: bool, limit: int
) -> bytes:
    """Return a page of a ranking as JSON, behind a place of it. Raises Problem 403, 404."""
    scope = scope_of(reading, policy.Order.HOT, filters, unread=unread)
    arguments: list[Any] = [earliest(), ranking_id, after]
    conditions = _conditions(filters, arguments)
    member, found = await reading.fetch(_hot(conditions, limit, reading.principal.staff, unread), *arguments)
    last, documents = posts.split(found, "community")
    key = f"{ranking_id}|{last}" if last else ""
    return posts.page(key, posts.with_abilities(documents, member, "comment"), reading.runtime.cursors, scope)


def gone() -> Problem:
    """Return the refusal of a page of a ranking that is not kept any more."""
    return Problem(410, "ranking-gone", "The hot order that you were reading is an hour old: begin at the top again.")


@lru_cache
def _unread(staff: bool) -> str:  # noqa: FBT001  the key of a cache
    by = ", ".join(
        f"'{name}', (SELECT coalesce(json_object_agg(key, people), '{{}}') FROM (SELECT {column} AS key, count(*) AS people "
        f"FROM unread WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1) AS counted)"
        for name, column in (("sections", "section"), ("kinds", "kind"), ("themes", "theme_id"), ("groups", "group_id"))
    )
    return f"""
    WITH looked AS MATERIALIZED (
        SELECT id, section, kind, theme_id, group_id FROM post WHERE community_id = $2 AND {posts.published(staff)}
            AND published_at > {HORIZON} AND author_id <> $3 ORDER BY published_at DESC, id DESC LIMIT {policy.UNREAD_LOOK + 1:d}
    ), unread AS MATERIALIZED (SELECT * FROM (SELECT * FROM looked LIMIT {policy.UNREAD_LOOK:d}) AS post WHERE {UNREAD})
    SELECT json_build_object('total', (SELECT count(*) FROM unread), 'capped', (SELECT count(*) > {policy.UNREAD_LOOK:d} FROM looked), {by})
    """


async def count_unread(reading: Reading) -> bytes:
    """Return how many posts the caller has not read (schemas.UnreadOut). Raises Problem 403, 404."""
    _, found = await reading.fetch(_unread(reading.principal.staff), earliest())
    return found or b""


@lru_cache(maxsize=64)
def _bookmarks(after: bool, limit: int, staff: bool) -> str:  # noqa: FBT001  the key of a cache
    behind = "AND (saved_at, post_id) < ($5, $6)" if after else ""
    rows = f"""
        SELECT row_number() OVER (ORDER BY saved.saved_at DESC, saved.post_id DESC) AS place, post.* FROM bookmark AS saved
        JOIN post ON post.id = saved.post_id AND {posts.published(staff)}
        WHERE saved.account_id = $3 AND saved.community_id = $2 {behind}
        ORDER BY saved.saved_at DESC, saved.post_id DESC LIMIT {limit + 1:d}"""
    return _page(
        rows,
        limit,
        "(SELECT saved_at FROM bookmark WHERE account_id = $3 AND post_id = page.id)::text || '|' || id",
        "NULL::json",
    )


async def list_bookmarks(reading: Reading, *, limit: int, cursor: str | None) -> bytes:
    """Return a page of the posts that the caller keeps as JSON, the last kept first. Raises Problem 403, 404, 422."""
    cursors = reading.runtime.cursors
    scope = f"bookmarks:{reading.principal.organization_id}:{reading.community_id}:{reading.principal.account_id}"
    after = cursors.decode(scope, cursor)
    behind = [datetime.fromisoformat(after[0]), UUID(after[1])] if after else []
    statement = _bookmarks(after is not None, limit, reading.principal.staff)
    member, found = await reading.fetch(statement, earliest(), *behind)
    last, documents = posts.split(found, "community")
    return posts.page(last, posts.with_abilities(documents, member, "comment"), cursors, scope)


@lru_cache(maxsize=64)
def _mentions(after: bool, limit: int, staff: bool) -> str:  # noqa: FBT001  the key of a cache
    behind = "AND (mentioned_at, subject_id) < ($4, $5)" if after else ""
    return f"""
    SELECT coalesce(CASE WHEN count(*) > {limit:d} THEN (array_agg(mentioned_at::text || '|' || subject_id ORDER BY place))[{limit:d}] END, '')
        || E'\\n' || coalesce(json_agg(json_build_object('subject_kind', subject_kind, 'subject_id', subject_id, 'post_id', post_id,
            'author_id', author_id, 'mentioned_at', mentioned_at, 'excerpt', excerpt) ORDER BY place) FILTER (WHERE place <= {limit:d}), '[]')::text
    FROM (
        SELECT row_number() OVER (ORDER BY mentioned_at DESC, subject_id DESC) AS place, subject_kind, subject_id, mention.post_id,
            CASE WHEN subject_kind = 'comment' OR post.persona_id IS NULL THEN mention.author_id END AS author_id,
            mentioned_at, left(coalesce(comment.body, post.body), 200) AS excerpt
        FROM mention JOIN post ON post.id = mention.post_id AND {posts.published(staff)}
        LEFT JOIN comment ON subject_kind = 'comment' AND comment.id = subject_id
        WHERE mention.account_id = $3 AND mention.community_id = $2 AND mention.author_id <> $3
            AND (subject_kind = 'post' OR comment.state = 'published') {behind}
        ORDER BY mentioned_at DESC, subject_id DESC LIMIT {limit + 1:d}) AS listed
    """


async def list_mentions(reading: Reading, *, limit: int, cursor: str | None) -> bytes:
    """Return a page of where the caller was mentioned as JSON, newest first. Raises Problem 403, 404, 422."""
    cursors = reading.runtime.cursors
    scope = f"mentions:{reading.principal.organization_id}:{reading.community_id}:{reading.principal.account_id}"
    after = cursors.decode(scope, cursor)
    behind = [datetime.fromisoformat(after[0]), UUID(after[1])] if after else []
    _, found = await reading.fetch(_mentions(after is not None, limit, reading.principal.staff), *behind)
    last, documents = posts.split(found, "community")
    return posts.page(last, documents, cursors, scope)
