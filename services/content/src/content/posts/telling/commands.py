"""Every event of a post is emitted here, at the version that its row has."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from chassis import outbox
from chassis.db import Session
from content.posts.models import Post
from contracts.content import PostEvent, PostPublished, PostWritten


def emit(
    session: Session,
    post: Post,
    event: PostEvent,
    *,
    actor: UUID | None,
    at: datetime | None = None,
) -> None:
    """Emit an event of a post at its present version."""
    outbox.emit(
        session,
        event,
        organization_id=post.organization_id,
        aggregate_id=post.id,
        version=post.version,
        community_id=post.community_id,
        actor=actor,
        occurred_at=at,
    )


def ids(post: Post) -> dict[str, UUID]:
    """Return what every event of a post says."""
    return {"post_id": post.id, "community_id": post.community_id, "author_id": post.author_id}


def tell_published(session: Session, post: Post, actor: UUID | None) -> None:
    """Emit that a post is seen from now on."""
    event = PostPublished(
        **ids(post),
        section=post.section,
        kind=post.kind,
        persona_id=post.persona_id,
        group_id=post.group_id,
        theme_id=post.theme_id,
        delivery_id=post.delivery_id,
        promotion=post.promotion,
    )
    emit(session, post, event, actor=actor, at=post.published_at)


def tell_written(session: Session, post: Post, actor: UUID | None) -> None:
    """Emit that a post which nobody else sees was begun or changed."""
    emit(session, post, PostWritten(**ids(post), state=post.state), actor=actor)
