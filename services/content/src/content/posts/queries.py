"""Every SELECT of posts. Hot reads return the answer's JSON as PostgreSQL built it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlmodel import col, select

from chassis.auth import Reading, Standing
from chassis.db import Session, read
from chassis.errors import not_found
from chassis.pagination import Cursors
from content.groups import queries as groups
from content.posts import policy
from content.posts.models import Post
from content.posts.policy import PostState, Stage
from content.tallies import queries as tallies
from contracts.members import CommunityRole, CommunityState

MARK = "chr(1 + ({own})::int + 2 * ({editorial})::int + 4 * ({stage}))"
"""SQL of the mark that stands in the place of what a caller can do with a text: whether it is their own and the editors', and its stage.

JSON escapes control characters, so no value holds one.
"""
STAGE = f"CASE page.state WHEN 'published' THEN {Stage.SHOWN:d} ELSE {Stage.HIDDEN:d} END"
"""SQL of a comment's stage."""
_STAGE = f"""CASE page.state WHEN 'published' THEN {Stage.SHOWN:d} WHEN 'draft' THEN {Stage.READY:d} WHEN 'expired' THEN {Stage.READY:d}
    WHEN 'in_review' THEN CASE WHEN $3 IN (coalesce(page.edited_by, page.author_id), page.submitted_by)
        THEN {Stage.WAITING_FOR_OTHERS:d} ELSE {Stage.WAITING:d} END
    ELSE {Stage.HIDDEN:d} END"""

# Posts as the caller ($3) sees them; what they can do is only marked, and written out by `with_abilities`.
# Counts are tallies, never a counter on the post, which would make everybody who answers it wait for everybody else.
_DOCUMENTS = """
WITH page AS MATERIALIZED ({page}), appended AS ({appended})
SELECT page.place, page.version, page.published_at, page.id, page.pin_rank, page.review_at,
    left(row_to_json(document)::text, -1) || ',"can":' || {mark} || '}}' AS document
FROM page {joined}
LEFT JOIN brand_persona AS persona ON persona.id = page.persona_id
CROSS JOIN LATERAL (
    SELECT page.id, page.community_id, CASE WHEN persona_id IS NULL OR page.author_id = $3 THEN page.author_id END AS author_id,
        CASE WHEN persona_id IS NOT NULL THEN json_build_object('id', persona_id, 'name', persona.name) END AS persona,
        page.kind, page.state, page.group_id, page.title, page.body, page.html, {tree} AS tree, page.section, page.published_at, page.edited_at,
        page.revision, page.expires_at, page.review_at, page.evergreen, page.promotion, page.pinned_at, page.pinned_until,
        page.acknowledge, page.acknowledge_by, CASE WHEN page.acknowledge THEN (
            SELECT acknowledged_at FROM acknowledgement AS receipt WHERE receipt.post_id = page.id AND receipt.account_id = $3) END AS acknowledged_at,
        page.benefit,
        page.origin, page.external_id, page.attachments, {comments} AS comment_count,
        {reactions} AS reaction_counts, page.version) AS document
ORDER BY page.place
"""


_MARK = MARK.format(own="page.author_id = $3", editorial="page.kind <> 'post'", stage=_STAGE)


def documents(page: str, *, tree: bool = False) -> str:
    """Return the statement that makes a statement of posts, with their `place`, a list of documents."""
    return _DOCUMENTS.format(
        page=page,
        appended=tallies.APPENDED.format(of="page"),
        joined=tallies.JOINED.format(id="page.id"),
        comments=tallies.counted("comments"),
        reactions=tallies.REACTIONS,
        mark=_MARK,
        tree="page.tree" if tree else "NULL::jsonb",
    )


def holds(*roles: CommunityRole) -> str:
    """Return whether the caller ($3) has one of the roles in the community ($2), as SQL: managers have them all."""
    named = ", ".join(f"'{role}'" for role in (CommunityRole.MANAGER, *roles))
    return f"""EXISTS (SELECT FROM standing_member AS held WHERE held.community_id = $2 AND held.account_id = $3
        AND held.state = 'approved' AND held.roles && ARRAY[{named}])"""


def published(staff: bool) -> str:  # noqa: FBT001  the key of a cache
    """Return the condition under which the caller sees a post as everybody does: of the whole community, or of their groups.

    `staff` of the organization, and editors and moderators, are in every group.
    """
    if staff:
        return "post.state = 'published'"
    everywhere = holds(CommunityRole.MODERATOR, CommunityRole.EDITOR)
    return f"post.state = 'published' AND (post.group_id IS NULL OR post.group_id = ANY({groups.OF_CALLER}) OR {everywhere})"


def readable(staff: bool) -> str:  # noqa: FBT001  the key of a cache
    """Return the condition under which the caller may read a post by its id: published ones, their own, and those of the desk.

    What is held is its author's and the moderators'; what editors prepare is the editors'.
    """
    if staff:
        return "post.state <> 'removed'"
    return f"""post.state <> 'removed' AND ({published(staff)} OR post.author_id = $3
        OR post.state = 'held' AND {holds(CommunityRole.MODERATOR)}
        OR post.state <> 'held' AND post.kind <> 'post' AND {holds(CommunityRole.EDITOR, CommunityRole.MODERATOR)})"""


@lru_cache
def _one(staff: bool, tree: bool = False) -> str:  # noqa: FBT001, FBT002  the key of a cache
    post = f"SELECT 1 AS place, * FROM post WHERE id = $4 AND community_id = $2 AND {readable(staff)}"
    return f"SELECT version || E'\\n' || document FROM ({documents(post, tree=tree)}) AS listed"


class Order(NamedTuple):
    """How posts are listed: by which columns, and the key of a row on the way through the pages."""

    by: str
    key: str


NEWEST = Order("published_at DESC, id DESC", "published_at::text || '|' || id")
LAST_BEGUN = Order("id DESC", "id::text")


@lru_cache(maxsize=256)
def listing(where: str, order: Order, limit: int, tree: bool) -> str:  # noqa: FBT001  the key of a cache
    """Return a list's statement: it answers the key of the page's last post when more follow, a line feed, and the posts.

    The limit stands in the text: as an argument PostgreSQL would plan the statement anew for every request.
    """
    rows = f"""
        SELECT row_number() OVER () AS place, * FROM (
            SELECT * FROM post WHERE community_id = $2 AND {where} ORDER BY {order.by} LIMIT {limit + 1:d}) AS listed"""
    return f"""
    SELECT coalesce(CASE WHEN count(*) > {limit:d} THEN (array_agg({order.key}))[{limit:d}] END, '') || E'\\n['
        || coalesce(string_agg(document, ',') FILTER (WHERE place <= {limit:d}), '') || ']'
    FROM ({documents(rows, tree=tree)}) AS listed
    """


class Filter(NamedTuple):
    """Which posts of a community: those of a section, of an author, or all."""

    section: str | None = None
    author_id: UUID | None = None
    kind: str | None = None
    group_id: UUID | None = None


def caller_of(member: Standing) -> policy.Caller:
    """Return what policy needs to know of a member."""
    return policy.Caller(
        trusted=member.staff or bool(member.roles),
        moderator=member.has(CommunityRole.MODERATOR),
        editor=member.has(CommunityRole.EDITOR),
    )


def with_abilities(documents: bytes, member: Standing, answer: str) -> bytes:
    """Write out what the member may do with their own texts and with others', where the statement only marked whose they are."""
    for mark, words in _abilities(member.community_state, caller_of(member), answer):
        documents = documents.replace(mark, words)
    return documents


@lru_cache(maxsize=256)
def _abilities(state: CommunityState, caller: policy.Caller, answer: str) -> list[tuple[bytes, bytes]]:
    """Return each mark and what it stands for."""
    return [
        (
            bytes([1 + mark]),
            orjson.dumps(
                policy.can(
                    state,
                    caller,
                    own=bool(mark & 1),
                    answer=answer,
                    editorial=bool(mark & 2),
                    stage=Stage(mark >> 2),
                )
            ),
        )
        for mark in range(4 * len(Stage))
    ]


async def list_posts(reading: Reading, filters: Filter, *, tree: bool, limit: int, cursor: str | None) -> bytes:
    """Return a page of the feed as JSON, newest first. Raises Problem 403, 404, 422 for a foreign cursor."""
    cursors = reading.runtime.cursors
    scope = f"posts:{reading.principal.organization_id}:{reading.community_id}:" + ":".join(map(str, filters))
    conditions = ""
    arguments: list[str | UUID | datetime] = []
    for column, value in filters._asdict().items():
        if value is not None:
            arguments.append(value)
            conditions += f" AND {column} = ${len(arguments) + 3}"
    if filters.author_id is not None:  # who speaks behind a persona is nobody's to find out
        conditions += " AND (persona_id IS NULL OR author_id = $3)"
    after = cursors.decode(scope, cursor)
    if after is not None:
        arguments += [datetime.fromisoformat(after[0]), UUID(after[1])]
        conditions += f" AND (published_at, id) < (${len(arguments) + 2}, ${len(arguments) + 3})"
    where = published(reading.principal.staff) + conditions
    member, found = await reading.fetch(listing(where, NEWEST, limit, tree), *arguments)
    last, documents = split(found, "community")
    return page(last, with_abilities(documents, member, "comment"), cursors, scope)


def split(found: bytes | None, what: str) -> tuple[str, bytes]:
    """Return what a statement answered, its first line and the JSON after it. Raises Problem 404 for no answer."""
    if found is None:
        raise not_found(what)
    head, _, documents = found.partition(b"\n")
    return head.decode(), documents


def page(last: str, documents: bytes, cursors: Cursors, scope: str) -> bytes:
    """Return the JSON of a page, from the key of its last row when more follow, and its rows."""
    cursor = f'"{cursors.encode(scope, *last.split("|"))}"' if last else "null"
    return b'{"data":%b,"next_cursor":%b}' % (documents, cursor.encode())


class Document(NamedTuple):
    """One resource as JSON, with its version."""

    version: int
    content: bytes


async def get_post(reading: Reading, post_id: UUID, *, tree: bool) -> Document:
    """Return a post as the caller sees it. Raises Problem 403, 404, for a tombstone too."""
    member, found = await reading.fetch(_one(reading.principal.staff, tree), post_id)
    version, document = split(found, "post")
    return Document(int(version), with_abilities(document, member, "comment"))


async def get_written_post(session: Session, member: Standing, post_id: UUID) -> Document:
    """Return a post as the member sees it who has just written it."""
    found = await read(session, _one(member.principal.staff), member.community_id, member.principal.account_id, post_id)
    version, document = split(found, "post")
    return Document(int(version), with_abilities(document, member, "comment"))


async def lock_post(session: Session, community_id: UUID, post_id: UUID, *, removed: bool = False) -> Post:
    """Return a post, locked against every other change; one that moderators removed only when asked for. Raises Problem 404."""
    wanted = select(Post).where(Post.id == post_id, Post.community_id == community_id, col(Post.deleted_at).is_(None))
    if not removed:
        wanted = wanted.where(Post.state != PostState.REMOVED.value)
    found = await session.scalars(wanted.with_for_update())
    post = found.one_or_none()
    if post is None:
        raise not_found("post")
    return post


async def find_locked(session: Session, post_id: UUID) -> Post | None:
    """Return a post of the tenant that is not deleted, locked: for work that is due."""
    found = await session.scalars(
        select(Post).where(Post.id == post_id, col(Post.deleted_at).is_(None)).with_for_update()
    )
    return found.one_or_none()


async def get_row(session: Session, community_id: UUID, post_id: UUID) -> Post:
    """Return a post that is not deleted, whatever its state; who asks is the caller's to judge. Raises Problem 404."""
    found = await session.scalars(
        select(Post).where(Post.id == post_id, Post.community_id == community_id, col(Post.deleted_at).is_(None))
    )
    post = found.one_or_none()
    if post is None:
        raise not_found("post")
    return post


async def get_subject(session: Session, member: Standing, post_id: UUID) -> UUID:
    """Return the author of a published post that the member sees, and keep the post from being deleted until the transaction ends.

    Others may do the same at once. Raises Problem 404.
    """
    found = await session.execute(
        select(Post.author_id, Post.group_id)
        .where(Post.id == post_id, Post.community_id == member.community_id, Post.state == PostState.PUBLISHED.value)
        .with_for_update(read=True, key_share=True)
    )
    row = found.one_or_none()
    if row is None:
        raise not_found("post")
    if not await _in_group(session, member, row.group_id):
        raise not_found("post")
    return UUID(str(row.author_id))


async def get_author(session: Session, post_id: UUID) -> UUID:
    """Return who wrote a post, whatever its state; there is one."""
    found = await session.scalars(select(Post.author_id).where(Post.id == post_id))
    return found.one()


async def sees(session: Session, member: Standing, post_id: UUID) -> bool:
    """Return whether the member sees a post that is published."""
    found = await session.execute(
        select(Post.group_id).where(
            Post.id == post_id, Post.community_id == member.community_id, Post.state == PostState.PUBLISHED.value
        )
    )
    row = found.one_or_none()
    return row is not None and await _in_group(session, member, row.group_id)


async def _in_group(session: Session, member: Standing, group_id: UUID | None) -> bool:
    caller = caller_of(member)
    if group_id is None or caller.editor or caller.moderator:
        return True
    return group_id in await groups.groups_of(session, member.community_id, member.principal.account_id)


async def find_delivered(session: Session, delivery_id: UUID) -> Post | None:
    """Return the post that a delivery has become."""
    found = await session.scalars(select(Post).where(Post.delivery_id == delivery_id))
    return found.one_or_none()


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
