"""Bringing posts in from elsewhere."""

from __future__ import annotations

from uuid import UUID

import orjson
from sqlalchemy import text

from chassis import outbox
from chassis.auth import Standing
from chassis.db import Session
from chassis.ids import new_id
from content.imports import ImportReport, Reason, Tally, attachments_json
from content.posts import policy, queries
from content.posts.commands import check_may_edit
from content.posts.schemas import PostImport, PostImports
from content.rendering.commands import render_later
from content.text import mentions
from contracts.base import Origin
from contracts.content import PostPublished

AUTHOR_UNKNOWN = Reason("author-unknown", "The author has no membership of this community.")


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
    if created:
        await render_later(session, member.principal.organization_id)
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
            "mentions": ["{" + ",".join(map(str, mentions(item.body)[: policy.MOST_MENTIONS])) + "}" for item in items],
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
            persona_id=None,
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
