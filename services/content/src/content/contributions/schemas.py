"""What HTTP returns of a member's contributions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Output

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
NOW = "2026-11-20T09:00:00Z"


class NewestPost(Output):
    """A post, its text cut short."""

    id: UUID
    title: str | None
    excerpt: str = Field(description="the first 200 characters")
    section: str
    published_at: datetime


class NewestComment(Output):
    """A comment, its text cut short."""

    id: UUID
    post_id: UUID
    excerpt: str = Field(description="the first 200 characters")
    commented_at: datetime


class ContributionsOut(Output):
    """What one member said in a community. What was deleted is left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "posts": 3,
                    "comments": 12,
                    "reactions": 40,
                    "last_post_at": NOW,
                    "last_comment_at": NOW,
                    "last_reaction_at": NOW,
                    "newest_posts": [
                        {"id": ID, "title": "晨读", "excerpt": "今天读了…", "section": "daily", "published_at": NOW}
                    ],
                    "newest_comments": [{"id": ID, "post_id": ID, "excerpt": "我也是!", "commented_at": NOW}],
                }
            ]
        }
    )

    posts: int
    comments: int
    reactions: int = Field(description="posts and comments that the member reacts to")
    last_post_at: datetime | None
    last_comment_at: datetime | None
    last_reaction_at: datetime | None
    newest_posts: list[NewestPost] = Field(description="up to 5, newest first")
    newest_comments: list[NewestComment] = Field(description="up to 5, newest first")
