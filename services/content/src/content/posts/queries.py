"""Every SELECT of posts. Hot reads return the answer's JSON as PostgreSQL built it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlmodel import col, select

from chassis.auth import Standing
from chassis.db import Reader, Session, read
from chassis.errors import not_found
from chassis.pagination import Cursors
from content.posts import policy
from content.posts.models import Post
from contracts.members import CommunityRole

# Posts as the caller sees them; $5 and $6 are what they may do with their own posts and with others'.
# Counts are counted, for all the posts of a page at once and from indexes alone: a counter on the post would make everybody who
# answers it wait for everybody else.
_DOCUMENTS = """
WITH page AS MATERIALIZED ({page}), commented AS (
    SELECT post_id, count(*) AS comment_count FROM comment
    WHERE post_id = ANY(ARRAY(SELECT id FROM page)) AND deleted_at IS NULL GROUP BY post_id
), reacted AS (
    SELECT subject_id, json_object_agg(emoji, people ORDER BY people DESC, emoji) AS reaction_counts
    FROM (
        SELECT subject_id, emoji, count(*) AS people FROM reaction, unnest(emojis) AS emoji
        WHERE subject_id = ANY(ARRAY(SELECT id FROM page)) AND subject_kind = 'post' AND cardinality(emojis) > 0
        GROUP BY subject_id, emoji) AS counted
    GROUP BY subject_id
)
SELECT page.place, page.version, page.published_at, page.id, row_to_json(document)::text AS document
FROM page LEFT JOIN commented ON post_id = page.id LEFT JOIN reacted ON subject_id = page.id
CROSS JOIN LATERAL (
    SELECT page.id, page.community_id, page.author_id, page.title, page.body, page.section, page.published_at, page.edited_at,
        page.origin, page.external_id, page.attachments, coalesce(comment_count, 0) AS comment_count,
        coalesce(reaction_counts, '{{}}') AS reaction_counts, page.version,
        CASE WHEN page.author_id = $3 THEN $5::json ELSE $6::json END AS can) AS document
ORDER BY page.place
"""
_POST = "SELECT 1 AS place, * FROM post WHERE id = $4 AND community_id = $2 AND deleted_at IS NULL"
_ONE = f"SELECT version || E'\\n' || document FROM ({_DOCUMENTS.format(page=_POST)}) AS listed"


def _feed(filters: str) -> str:
    """Return the feed's statement: it answers the key of the page's last post when more follow, a line feed, and the posts."""
    newest = f"""
        SELECT row_number() OVER () AS place, * FROM (
            SELECT * FROM post WHERE community_id = $2 AND deleted_at IS NULL {filters}
            ORDER BY published_at DESC, id DESC LIMIT $4 + 1) AS newest"""
    return f"""
    SELECT coalesce(CASE WHEN count(*) > $4 THEN (array_agg(published_at::text || '|' || id))[$4] END, '') || E'\\n['
        || coalesce(string_agg(document, ',') FILTER (WHERE place <= $4), '') || ']'
    FROM ({_DOCUMENTS.format(page=newest)}) AS listed
    """


class Filter(NamedTuple):
    """Which posts of a community: those of a section, of an author, or all."""

    section: str | None = None
    author_id: UUID | None = None


def caller_of(member: Standing) -> policy.Caller:
    """Return what policy needs to know of a member."""
    return policy.Caller(trusted=member.staff or bool(member.roles), moderator=member.has(CommunityRole.MODERATOR))


def _abilities(member: Standing) -> tuple[str, str]:
    caller = caller_of(member)
    own, other = (policy.can(member.community_state, caller, own=own, answer="comment") for own in (True, False))
    return orjson.dumps(own).decode(), orjson.dumps(other).decode()


async def list_posts(
    reader: Reader, cursors: Cursors, member: Standing, filters: Filter, *, limit: int, cursor: str | None
) -> str:
    """Return a page of the feed as JSON, newest first. Raises Problem 422 for a foreign cursor."""
    organization = member.principal.organization_id
    scope = f"posts:{organization}:{member.community_id}:{filters.section}:{filters.author_id}"
    conditions: list[str] = []
    arguments: list[Any] = [member.community_id, member.principal.account_id, limit, *_abilities(member)]
    if filters.section is not None:
        arguments.append(filters.section)
        conditions.append(f"AND section = ${len(arguments) + 1}")
    if filters.author_id is not None:
        arguments.append(filters.author_id)
        conditions.append(f"AND author_id = ${len(arguments) + 1}")
    after = cursors.decode(scope, cursor)
    if after is not None:
        arguments += [datetime.fromisoformat(after[0]), UUID(after[1])]
        conditions.append(f"AND (published_at, id) < (${len(arguments)}, ${len(arguments) + 1})")
    found = await reader.json(organization, _feed(" ".join(conditions)), *arguments)
    return page(found, cursors, scope, "community")


def page(found: str | None, cursors: Cursors, scope: str, what: str) -> str:
    """Return the JSON of a page from what a list's statement answered: the last place (or nothing), a line feed, the rows.

    Raises Problem 404 about `what` the list belongs to when there was no answer.
    """
    if found is None:
        raise not_found(what)
    last, _, rows = found.partition("\n")
    cursor = f'"{cursors.encode(scope, *last.split("|"))}"' if last else "null"
    return f'{{"data":{rows},"next_cursor":{cursor}}}'


class Document(NamedTuple):
    """One resource as JSON, with its version."""

    version: int
    content: str

    @classmethod
    def of(cls, found: str | None, what: str) -> Document:
        """Read what a statement answered: version, line feed, JSON. Raises Problem 404 for nothing."""
        if found is None:
            raise not_found(what)
        version, _, content = found.partition("\n")
        return cls(int(version), content)


async def get_post(at: Reader | Session, member: Standing, post_id: UUID) -> Document:
    """Return a post as the member sees it. Raises Problem 404, for a tombstone too."""
    arguments = (member.community_id, member.principal.account_id, post_id, *_abilities(member))
    if isinstance(at, Reader):
        found = await at.json(member.principal.organization_id, _ONE, *arguments)
    else:
        found = await read(at, _ONE, *arguments)
    return Document.of(found, "post")


async def lock_post(session: Session, community_id: UUID, post_id: UUID) -> Post:
    """Return a post, locked against every other change. Raises Problem 404."""
    found = await session.scalars(
        select(Post)
        .where(Post.id == post_id, Post.community_id == community_id, col(Post.deleted_at).is_(None))
        .with_for_update()
    )
    post = found.one_or_none()
    if post is None:
        raise not_found("post")
    return post


async def get_subject(session: Session, community_id: UUID, post_id: UUID) -> UUID:
    """Return a post's author, and keep the post from being deleted until the transaction ends; others may do the same at once."""
    found = await session.scalars(
        select(Post.author_id)
        .where(Post.id == post_id, Post.community_id == community_id, col(Post.deleted_at).is_(None))
        .with_for_update(read=True, key_share=True)
    )
    author = found.one_or_none()
    if author is None:
        raise not_found("post")
    return author


class Imported(NamedTuple):
    """What an external id stands for."""

    id: UUID
    author_id: UUID
    said_at: datetime
    deleted: bool


_IMPORTED = text("""
SELECT external_id, id, author_id, published_at, deleted_at FROM post
WHERE community_id = :community_id AND source = :source AND external_id = ANY(:external_ids)
ORDER BY id FOR KEY SHARE
""")


async def find_imported(
    session: Session, community_id: UUID, source: str, external_ids: Iterable[str]
) -> dict[str, Imported]:
    """Return the posts, tombstones too, that came with these external ids, and keep them from being deleted meanwhile."""
    rows = await session.execute(
        _IMPORTED, {"community_id": community_id, "source": source, "external_ids": sorted(set(external_ids))}
    )
    return {
        row.external_id: Imported(row.id, row.author_id, row.published_at, row.deleted_at is not None) for row in rows
    }


async def find_accounts(session: Session, community_id: UUID, account_ids: Iterable[UUID]) -> set[UUID]:
    """Return which of the accounts have a membership of the community, of any state."""
    rows = await session.execute(
        text("SELECT account_id FROM standing_member WHERE community_id = :community_id AND account_id = ANY(:ids)"),
        {"community_id": community_id, "ids": list(set(account_ids))},
    )
    return set(rows.scalars())
