"""Every event of a post is emitted here, at the version that its row has."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict
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


class Ids(TypedDict):
    """What every event of a post says."""

    post_id: UUID
    community_id: UUID
    author_id: UUID
    persona_id: UUID | None


def ids(post: Post) -> Ids:
    """Return what every event of a post says."""
    return {
        "post_id": post.id,
        "community_id": post.community_id,
        "author_id": post.author_id,
        # Said where there is none too: partners learn the author of a post only when its event says that nobody speaks as the brand.
        "persona_id": post.persona_id,
    }


def tell_published(session: Session, post: Post, actor: UUID | None) -> None:
    """Emit that a post is seen from now on."""
    event = PostPublished(
        **ids(post),
        section=post.section,
        kind=post.kind,
        group_id=post.group_id,
        theme_id=post.theme_id,
        delivery_id=post.delivery_id,
        promotion=post.promotion,
    )
    emit(session, post, event, actor=actor, at=post.published_at)


def tell_written(session: Session, post: Post, actor: UUID | None) -> None:
    """Emit that a post which nobody else sees was begun or changed."""
    emit(session, post, PostWritten(**ids(post), state=post.state), actor=actor)
