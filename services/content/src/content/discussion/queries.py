"""Every SELECT of comments and reactions. Hot reads return the answer's JSON as PostgreSQL built it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from chassis.auth import Reading, Standing
from chassis.db import Session, read
from chassis.errors import not_found
from content.discussion.models import Comment, Reaction
from content.discussion.policy import CommentState
from content.posts import queries as posts
from content.posts.models import Post
from content.tallies import queries as tallies
from contracts.content import SubjectKind
from contracts.members import CommunityRole

# Comments as the caller ($3) sees them; what they can do is only marked, and written out by `with_abilities`.
_DOCUMENTS = """
WITH page AS MATERIALIZED ({page}), appended AS ({appended})
SELECT page.place, page.version, page.commented_at, page.id,
    left(row_to_json(document)::text, -1) || ',"can":' || {mark} || '}}' AS document
FROM page {joined}
CROSS JOIN LATERAL (
    SELECT page.id, page.community_id, page.post_id, page.parent_id, page.author_id, page.state, page.body, page.html, {tree} AS tree, page.commented_at, page.edited_at,
        page.origin, page.external_id, page.attachments, {reactions} AS reaction_counts, page.version) AS document
ORDER BY page.place
"""

_MARK = posts.MARK.format(own="page.author_id = $3", editorial="false", stage=posts.STAGE)


def _documents(page: str, *, tree: bool = False) -> str:
    return _DOCUMENTS.format(
        page=page,
        appended=tallies.APPENDED.format(of="page"),
        joined=tallies.JOINED.format(id="page.id"),
        reactions=tallies.REACTIONS,
        mark=_MARK,
        tree="page.tree" if tree else "NULL::jsonb",
    )


def _readable(staff: bool) -> str:  # noqa: FBT001  the key of a cache
    """Return the condition under which the caller sees a comment: published ones; what is held, its author and moderators."""
    if staff:
        return "comment.state <> 'removed'"
    moderates = posts.holds(CommunityRole.MODERATOR)
    return f"comment.state <> 'removed' AND (comment.state = 'published' OR comment.author_id = $3 OR {moderates})"


@lru_cache
def _one(staff: bool, tree: bool = False) -> str:  # noqa: FBT001, FBT002  the key of a cache
    comment = f"""
    SELECT 1 AS place, comment.* FROM comment JOIN post ON post.id = comment.post_id AND {posts.readable(staff)}
    WHERE comment.id = $4 AND comment.community_id = $2 AND {_readable(staff)}
    """
    return f"SELECT version || E'\\n' || document FROM ({_documents(comment, tree=tree)}) AS listed"


@lru_cache(maxsize=256)
def _of_post(conditions: str, limit: int, staff: bool, tree: bool) -> str:  # noqa: FBT001  the key of a cache
    """Return the statement of a post's comments, oldest first; it answers nothing at all when the post is not there.

    The limit stands in the text: as an argument PostgreSQL would plan the statement anew for every request.
    """
    oldest = f"""
        SELECT row_number() OVER () AS place, * FROM (
            SELECT * FROM comment WHERE post_id = $4 AND {_readable(staff)} {conditions}
            ORDER BY commented_at, id LIMIT {limit + 1:d}) AS oldest"""
    return f"""
    SELECT coalesce(CASE WHEN count(*) > {limit:d} THEN (array_agg(commented_at::text || '|' || id))[{limit:d}] END, '') || E'\\n['
        || coalesce(string_agg(document, ',') FILTER (WHERE place <= {limit:d}), '') || ']'
    FROM ({_documents(oldest, tree=tree)}) AS listed
    HAVING EXISTS (SELECT FROM post WHERE id = $4 AND community_id = $2 AND {posts.readable(staff)})
    """


@lru_cache(maxsize=256)
def _to_subject(conditions: str, limit: int, staff: bool) -> str:  # noqa: FBT001  the key of a cache
    """Return the statement of who reacted, in the order in which they first did; nothing at all when the subject is not there.

    Ids are UUIDv7, and a change does not move a row on the way through the pages.
    """
    return f"""
    SELECT coalesce(CASE WHEN count(*) > {limit:d} THEN (array_agg(id::text))[{limit:d}] END, '') || E'\\n['
        || coalesce(string_agg(document, ',') FILTER (WHERE place <= {limit:d}), '') || ']'
    FROM (
        SELECT row_number() OVER () AS place, id, row_to_json(reaction)::text AS document
        FROM (
            SELECT id, subject_kind, subject_id, account_id, emojis, reacted_at, version FROM reaction
            WHERE subject_id = $4 AND subject_kind = $5 AND cardinality(emojis) > 0 {conditions}
            ORDER BY id LIMIT {limit + 1:d}) AS reaction
    ) AS listed
    HAVING EXISTS (
        SELECT FROM post WHERE post.community_id = $2 AND {posts.readable(staff)} AND post.id = CASE $5 WHEN 'post' THEN $4
            ELSE (SELECT post_id FROM comment WHERE comment.id = $4 AND {_readable(staff)}) END)
    """


async def list_comments(reading: Reading, post_id: UUID, *, tree: bool, limit: int, cursor: str | None) -> bytes:
    """Return a page of a post's comments as JSON, oldest first. Raises Problem 403, 404, 422 for a foreign cursor."""
    cursors = reading.runtime.cursors
    scope = f"comments:{reading.principal.organization_id}:{post_id}"
    conditions = ""
    arguments: list[UUID | datetime] = []
    after = cursors.decode(scope, cursor)
    if after is not None:
        arguments = [datetime.fromisoformat(after[0]), UUID(after[1])]
        conditions = "AND (commented_at, id) > ($5, $6)"
    member, found = await reading.fetch(_of_post(conditions, limit, reading.principal.staff, tree), post_id, *arguments)
    last, documents = posts.split(found, "post")
    return posts.page(last, posts.with_abilities(documents, member, "reply"), cursors, scope)


async def get_comment(reading: Reading, comment_id: UUID, *, tree: bool) -> posts.Document:
    """Return a comment as the caller sees it. Raises Problem 403, 404, for a tombstone and under a deleted post too."""
    member, found = await reading.fetch(_one(reading.principal.staff, tree), comment_id)
    version, document = posts.split(found, "comment")
    return posts.Document(int(version), posts.with_abilities(document, member, "reply"))


async def get_written_comment(session: Session, member: Standing, comment_id: UUID) -> posts.Document:
    """Return a comment as the member sees it who has just written it."""
    found = await read(
        session, _one(member.principal.staff), member.community_id, member.principal.account_id, comment_id
    )
    version, document = posts.split(found, "comment")
    return posts.Document(int(version), posts.with_abilities(document, member, "reply"))


async def list_reactions(
    reading: Reading, kind: SubjectKind, subject_id: UUID, *, limit: int, cursor: str | None
) -> bytes:
    """Return a page of who reacted with what, as JSON, the first first. Raises Problem 403, 404, 422 for a foreign cursor."""
    cursors = reading.runtime.cursors
    scope = f"reactions:{reading.principal.organization_id}:{kind}:{subject_id}"
    after = cursors.decode(scope, cursor)
    arguments = [UUID(last) for last in after or ()]
    statement = _to_subject("AND id > $6" if after else "", limit, reading.principal.staff)
    _, found = await reading.fetch(statement, subject_id, kind.value, *arguments)
    last, documents = posts.split(found, kind.value)
    return posts.page(last, documents, cursors, scope)


async def lock_comment(session: Session, community_id: UUID, comment_id: UUID, *, removed: bool = False) -> Comment:
    """Return a comment of a post that is there, locked against every other change. Raises Problem 404.

    What moderators removed, comment or post, is there only when asked for.
    """
    wanted = (
        select(Comment)
        .join(Post, (col(Post.id) == Comment.post_id) & col(Post.deleted_at).is_(None))
        .where(Comment.id == comment_id, Comment.community_id == community_id, col(Comment.deleted_at).is_(None))
    )
    if not removed:
        wanted = wanted.where(
            Comment.state != CommentState.REMOVED.value, col(Post.state).in_(["published", "held", "expired"])
        )
    found = await session.scalars(wanted.with_for_update(of=Comment))
    comment = found.one_or_none()
    if comment is None:
        raise not_found("comment")
    return comment


async def is_comment_of(session: Session, post_id: UUID, comment_id: UUID) -> bool:
    """Return whether it is a published comment of this post."""
    found = await session.scalars(
        select(Comment.id).where(
            Comment.id == comment_id, Comment.post_id == post_id, Comment.state == CommentState.PUBLISHED.value
        )
    )
    return found.one_or_none() is not None


async def get_subject_author(session: Session, member: Standing, kind: SubjectKind, subject_id: UUID) -> UUID:
    """Return who wrote what is reacted to, and keep it from being deleted until the transaction ends. Raises Problem 404."""
    if kind is SubjectKind.POST:
        return await posts.get_subject(session, member, subject_id)
    found = await session.execute(
        select(Comment.author_id, Comment.post_id)
        .where(
            Comment.id == subject_id,
            Comment.community_id == member.community_id,
            Comment.state == CommentState.PUBLISHED.value,
        )
        .with_for_update(read=True, key_share=True)
    )
    row = found.one_or_none()
    if row is None or not await posts.sees(session, member, row.post_id):
        raise not_found("comment")
    return UUID(str(row.author_id))


async def find_reaction(session: Session, kind: SubjectKind, subject_id: UUID, account_id: UUID) -> Reaction | None:
    """Return what an account feels about a subject, locked."""
    found = await session.scalars(
        select(Reaction)
        .where(
            Reaction.subject_id == subject_id, Reaction.subject_kind == kind.value, Reaction.account_id == account_id
        )
        .with_for_update()
    )
    return found.one_or_none()


async def lock_reaction(session: Session, kind: SubjectKind, subject_id: UUID, account_id: UUID) -> Reaction:
    """Return what an account feels about a subject, locked; there is a row, and rows stay."""
    reaction = await find_reaction(session, kind, subject_id, account_id)
    assert reaction is not None  # noqa: S101  no reaction is ever removed
    return reaction


class ImportedSubject(NamedTuple):
    """What the external id of a reaction's subject stands for."""

    kind: SubjectKind
    id: UUID
    author_id: UUID
    said_at: datetime
    deleted: bool


_IMPORTED = text("""
SELECT comment.external_id, comment.id, comment.author_id, comment.commented_at,
    comment.deleted_at IS NOT NULL OR post.deleted_at IS NOT NULL AS deleted
FROM comment JOIN post ON post.id = comment.post_id
WHERE comment.community_id = :community_id AND comment.source = :source AND comment.external_id = ANY(:external_ids)
ORDER BY comment.id FOR KEY SHARE
""")


async def find_imported(
    session: Session, community_id: UUID, source: str, external_ids: Iterable[str]
) -> dict[str, ImportedSubject]:
    """Return the comments, tombstones too, that came with these external ids, and keep them from being deleted meanwhile."""
    rows = await session.execute(
        _IMPORTED, {"community_id": community_id, "source": source, "external_ids": sorted(set(external_ids))}
    )
    return {
        row.external_id: ImportedSubject(SubjectKind.COMMENT, row.id, row.author_id, row.commented_at, row.deleted)
        for row in rows
    }


async def find_imported_subjects(
    session: Session, community_id: UUID, source: str, external_ids: Iterable[str]
) -> dict[str, ImportedSubject]:
    """Return what came with these external ids, posts before comments."""
    wanted = set(external_ids)
    found = {
        external_id: ImportedSubject(SubjectKind.POST, *post)
        for external_id, post in (await posts.find_imported(session, community_id, source, wanted)).items()
    }
    return found | await find_imported(session, community_id, source, wanted - found.keys())


ReactionKey = tuple[SubjectKind, UUID, UUID]
"""Subject's kind and id, and the account: one aggregate."""

_LOCK = text("""
SELECT reaction.* FROM reaction
JOIN unnest(CAST(:kinds AS text[]), CAST(:subjects AS uuid[]), CAST(:accounts AS uuid[])) AS wanted(kind, subject, account)
    ON reaction.subject_kind = kind AND reaction.subject_id = subject AND reaction.account_id = account
ORDER BY reaction.subject_id, reaction.account_id, reaction.subject_kind FOR UPDATE OF reaction
""")


async def lock_reactions(session: Session, keys: Iterable[ReactionKey]) -> dict[ReactionKey, Reaction]:
    """Return the reactions that are there, locked in one order, so that imports cannot wait for each other in a circle."""
    wanted = list(keys)
    if not wanted:
        return {}
    columns = {
        "kinds": [kind.value for kind, _, _ in wanted],
        "subjects": [subject for _, subject, _ in wanted],
        "accounts": [account for _, _, account in wanted],
    }
    rows = await session.scalars(select(Reaction).from_statement(_LOCK), columns)
    return {(SubjectKind(row.subject_kind), row.subject_id, row.account_id): row for row in rows}
