"""Every write of posts, and the events that tell of them."""

from __future__ import annotations

from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import clock, outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.errors import Problem
from chassis.ids import new_id
from chassis.requests import check_version
from content.imports import ImportReport, Reason, Tally, attachments_json
from content.posts import policy, queries
from content.posts.models import Post
from content.posts.schemas import PostCreate, PostImport, PostImports, PostUpdate
from content.text import mentions
from contracts.base import Origin
from contracts.content import PostDeleted, PostEdited, PostPublished

AUTHOR_UNKNOWN = Reason("author-unknown", "The author has no membership of this community.")


def _check(refusal: policy.Refusal | None) -> None:
    if refusal is not None:
        raise Problem(409, refusal.code, refusal.detail)


def check_may_speak(member: Standing) -> None:
    """Raise Problem 409 when the member can say nothing new in the community's present state."""
    _check(policy.speaking_refusal(member.community_state, queries.caller_of(member)))


def check_may_edit(member: Standing) -> None:
    """Raise Problem 409 when nothing can be changed or imported in the community any more."""
    _check(policy.archive_refusal(member.community_state))


def check_may_change(member: Standing, author_id: UUID) -> None:
    """Raise Problem 403 unless the member may edit and delete what this author wrote."""
    if not policy.may_change(queries.caller_of(member), own=author_id == member.principal.account_id):
        raise Problem(403, "forbidden", "Only its author and moderators may do this.")


async def publish_post(session: Session, member: Standing, new: PostCreate) -> queries.Document:
    """Publish a post. Raises Problem 409 unless the community takes posts from this member."""
    check_may_speak(member)
    post = Post(
        id=new_id(),
        organization_id=member.principal.organization_id,
        community_id=member.community_id,
        author_id=member.principal.account_id,
        title=new.title,
        body=new.body,
        section=new.section,
        published_at=clock.now(),
        origin=Origin.LIVE.value,
        mentions=mentions(new.body),
    )
    session.add(post)
    await session.flush()
    outbox.emit(
        session,
        PostPublished(post_id=post.id, community_id=post.community_id, author_id=post.author_id, section=post.section),
        organization_id=post.organization_id,
        aggregate_id=post.id,
        version=post.version,
        community_id=post.community_id,
        actor=post.author_id,
        occurred_at=post.published_at,
    )
    return await queries.get_written_post(session, member, post.id)


async def edit_post(
    session: Session, member: Standing, post_id: UUID, expected: int, change: PostUpdate
) -> queries.Document:
    """Change a post's text; a change that changes nothing is none. Raises Problem 403, 404, 409, 412."""
    post = await queries.lock_post(session, member.community_id, post_id)
    check_may_change(member, post.author_id)
    check_version(expected, post.version)
    check_may_edit(member)
    title = change.title if "title" in change.model_fields_set else post.title
    body = post.body if change.body is None else change.body
    if (title, body) != (post.title, post.body):
        post.title, post.body, post.mentions = title, body, mentions(body)
        post.edited_at = clock.now()
        post.version += 1
        await session.flush()
        outbox.emit(
            session,
            PostEdited(post_id=post.id, community_id=post.community_id, author_id=post.author_id),
            organization_id=post.organization_id,
            aggregate_id=post.id,
            version=post.version,
            community_id=post.community_id,
            actor=member.principal.account_id,
        )
    return await queries.get_written_post(session, member, post.id)


async def delete_post(session: Session, member: Standing, post_id: UUID, expected: int) -> None:
    """Leave a tombstone in a post's place. Raises Problem 403, 404, 412."""
    post = await queries.lock_post(session, member.community_id, post_id)
    check_may_change(member, post.author_id)
    check_version(expected, post.version)
    post.deleted_at = clock.now()
    post.title, post.body, post.attachments, post.mentions = None, "", [], []
    post.version += 1
    outbox.emit(
        session,
        PostDeleted(post_id=post.id, community_id=post.community_id, author_id=post.author_id),
        organization_id=post.organization_id,
        aggregate_id=post.id,
        version=post.version,
        community_id=post.community_id,
        actor=member.principal.account_id,
        occurred_at=post.deleted_at,
    )


# In the order of the external ids, so that two imports of the same items wait for each other in one direction only.
_INSERT = text("""
INSERT INTO post (id, organization_id, community_id, author_id, title, body, section, published_at, edited_at,
    origin, source, external_id, attachments, mentions, version)
SELECT id, :organization_id, :community_id, author_id, title, body, section, published_at, edited_at,
    'import', :source, external_id, CAST(attachments AS jsonb), CAST(mentions AS uuid[]), 1
FROM unnest(CAST(:ids AS uuid[]), CAST(:author_ids AS uuid[]), CAST(:titles AS text[]), CAST(:bodies AS text[]),
    CAST(:sections AS text[]), CAST(:published AS timestamptz[]), CAST(:edited AS timestamptz[]),
    CAST(:external_ids AS text[]), CAST(:attachments AS text[]), CAST(:mentions AS text[]))
    AS item(id, author_id, title, body, section, published_at, edited_at, external_id, attachments, mentions)
ORDER BY external_id
ON CONFLICT (community_id, source, external_id) DO NOTHING
RETURNING external_id, id
""")


async def import_posts(session: Session, member: Standing, batch: PostImports) -> ImportReport:
    """Bring posts in, each once, at their original times. Raises Problem 409 in an archived community."""
    check_may_edit(member)
    tally = Tally()
    items = tally.sift(batch.items, ("published_at", "edited_at"))
    place = (session, member.community_id)
    known = await queries.find_imported(*place, batch.source, (item.external_id for item in items.values()))
    authors = await queries.find_accounts(*place, (item.author_id for item in items.values()))
    fresh: dict[str, PostImport] = {}
    for index, item in items.items():
        if item.external_id in known or item.external_id in fresh:
            continue
        if item.author_id in authors:
            fresh[item.external_id] = item
        else:
            tally.reject(index, item.external_id, AUTHOR_UNKNOWN)
    created = await _insert(session, member, batch.source, fresh)
    if len(created) < len(fresh):  # somebody else imported them in the meantime
        known |= await queries.find_imported(*place, batch.source, fresh.keys() - created.keys())
    tally.settle(items, created, {external_id: one.id for external_id, one in known.items()})
    for external_id, item in fresh.items():
        if external_id in created:
            _tell_imported(session, member, created[external_id], item)
    return tally.report()


async def _insert(session: Session, member: Standing, source: str, fresh: dict[str, PostImport]) -> dict[str, UUID]:
    if not fresh:
        return {}
    items = list(fresh.values())
    rows = await session.execute(
        _INSERT,
        {
            "organization_id": member.principal.organization_id,
            "community_id": member.community_id,
            "source": source,
            "ids": [new_id() for _ in items],
            "author_ids": [item.author_id for item in items],
            "titles": [item.title for item in items],
            "bodies": [item.body for item in items],
            "sections": [item.section or policy.DEFAULT_SECTION for item in items],
            "published": [item.published_at for item in items],
            "edited": [item.edited_at for item in items],
            "external_ids": [item.external_id for item in items],
            "attachments": [orjson.dumps(attachments_json(item.attachments)).decode() for item in items],
            "mentions": ["{" + ",".join(map(str, mentions(item.body))) + "}" for item in items],
        },
    )
    return {row.external_id: row.id for row in rows}


def _tell_imported(session: Session, member: Standing, post_id: UUID, item: PostImport) -> None:
    outbox.emit(
        session,
        PostPublished(
            post_id=post_id,
            community_id=member.community_id,
            author_id=item.author_id,
            section=item.section or policy.DEFAULT_SECTION,
        ),
        organization_id=member.principal.organization_id,
        aggregate_id=post_id,
        version=1,
        community_id=member.community_id,
        actor=member.principal.account_id,
        occurred_at=item.published_at,
        origin=Origin.IMPORT,
    )
