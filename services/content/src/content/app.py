"""Content's composition root."""

from __future__ import annotations

from pathlib import Path

from chassis import standing
from chassis.app import Service
from content.contributions import routes as contributions
from content.discussion import routes as discussion
from content.exports import routes as exports
from content.posts import routes as posts
from content.settings import ContentSettings

service = Service(
    name="content",
    title="Content",
    settings=ContentSettings,
    migrations=Path(__file__).parents[2] / "migrations",
    standing_query=standing.QUERY,
    routers=[
        posts.imports,
        posts.routes,
        exports.of_posts,
        discussion.imports,
        discussion.routes,
        exports.of_discussion,
        contributions.routes,
    ],
    consumers=[standing.consumers],
    tags={
        "posts": "What members and staff publish, and the feed.",
        "discussion": "Comments on posts, and reactions to both.",
    },
)
