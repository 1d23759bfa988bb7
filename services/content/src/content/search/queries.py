"""Every SELECT of search: what is found comes from `search_hits`, which repeats the tenant and who sees what (migration 0012)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from chassis.auth import Reading
from chassis.errors import invalid
from chassis.schemas import Page
from content.groups import queries as groups
from content.posts import queries as posts
from content.search import policy
from content.search.schemas import HighlightedOut, RangeOut, SearchHitOut
from contracts.content import SubjectKind
from contracts.members import CommunityRole

MOST_HITS = 50
"""`search_hits` answers one more."""


@lru_cache
def _hits(staff: bool) -> str:  # noqa: FBT001  the key of a cache
    """Return the statement of the hits for terms ($4) and kinds ($5), behind a field, time and id ($6 to $8)."""
    everywhere = posts.holds(CommunityRole.MODERATOR, CommunityRole.EDITOR)
    seen = "NULL::uuid[]" if staff else f"CASE WHEN {everywhere} THEN NULL ELSE {groups.OF_CALLER} END"
    return f"""
    SELECT json_agg(json_build_object('field', hit.field, 'subject_kind', hit.subject_kind, 'subject_id', hit.subject_id,
        'post_id', hit.post_id, 'said_at', hit.said_at::text, 'title', post.title, 'body', coalesce(comment.body, post.body),
        'author_id', CASE WHEN comment.id IS NOT NULL THEN comment.author_id
            WHEN post.persona_id IS NULL OR post.author_id = $3 THEN post.author_id END) ORDER BY hit.place)::text
    FROM search_hits($2, $4, $5, {seen}, $6, $7, $8) WITH ORDINALITY
        AS hit(field, subject_kind, subject_id, post_id, said_at, place)
    JOIN post ON post.id = hit.post_id AND {posts.published(staff)}
    LEFT JOIN comment ON hit.subject_kind = 'comment' AND comment.id = hit.subject_id AND comment.state = 'published'
    WHERE hit.subject_kind = 'post' OR comment.id IS NOT NULL
    """


async def search(
    reading: Reading, query: str, kind: SubjectKind | None, *, limit: int, cursor: str | None
) -> Page[SearchHitOut]:
    """Return a page of what has every term of a query: titles first, and the newest first.

    Raises Problem 403, 404, 422 for nothing to search for, too much, or a foreign cursor.
    """
    terms = policy.terms(query)
    if not terms:
        raise invalid("/query/q", "blank", "There is nothing but blanks.")
    if len(terms) > policy.MOST_TERMS:
        raise invalid("/query/q", "too-many-terms", f"Up to {policy.MOST_TERMS} terms.")
    scope = f"search:{reading.principal.organization_id}:{reading.community_id}:{kind}:{' '.join(terms)}"
    after = reading.runtime.cursors.decode(scope, cursor)
    behind: list[Any] = [after[0], datetime.fromisoformat(after[1]), UUID(after[2])] if after else [None, None, None]
    kinds = [kind.value] if kind else [one.value for one in SubjectKind]
    _, found = await reading.fetch(_hits(reading.principal.staff), terms, kinds, *behind)
    rows = orjson.loads(found) if found else []
    return Page(
        data=[_hit(row, terms) for row in rows[:limit]],
        next_cursor=reading.runtime.cursors.following(
            scope, rows, limit, lambda row: (row["field"], row["said_at"], row["subject_id"])
        ),
    )


def _hit(row: dict[str, Any], terms: list[str]) -> SearchHitOut:
    title = row["title"]
    return SearchHitOut(
        subject_kind=row["subject_kind"],
        subject_id=row["subject_id"],
        post_id=row["post_id"],
        author_id=row["author_id"],
        said_at=datetime.fromisoformat(row["said_at"]),
        title=None if title is None else _highlighted(policy.Snippet(title, policy.find(title, terms))),
        snippet=_highlighted(policy.snippet(row["body"], terms)),
    )


def _highlighted(part: policy.Snippet) -> HighlightedOut:
    return HighlightedOut(text=part.text, ranges=[RangeOut(start=one.start, end=one.end) for one in part.ranges])
