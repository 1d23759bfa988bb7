"""Content's composition root."""

from __future__ import annotations

from pathlib import Path

from chassis import standing
from chassis.app import Service
from content.backlog import routes as backlog
from content.calendar.activities import consumers as activities
from content.calendar.occurrences import jobs as occurrence_jobs
from content.calendar.occurrences import routes as occurrences
from content.calendar.punctuality import routes as punctuality
from content.calendar.slots import consumers as slots_consumers
from content.calendar.slots import jobs as slot_jobs
from content.calendar.slots import routes as slots
from content.contributions import routes as contributions
from content.delivery import consumers as delivery_consumers
from content.delivery import jobs as delivery_jobs
from content.delivery import routes as delivery
from content.discussion import routes as discussion
from content.groups import consumers as groups
from content.posts import routes as posts
from content.settings import ContentSettings
from content.themes import routes as themes

service = Service(
    name="content",
    title="Content",
    settings=ContentSettings,
    migrations=Path(__file__).parents[2] / "migrations",
    standing_query=standing.QUERY,
    routers=[
        posts.imports,
        posts.routes,
        discussion.imports,
        discussion.routes,
        contributions.routes,
        themes.routes,
        backlog.routes,
        delivery.routes,
        slots.routes,
        occurrences.routes,
        punctuality.routes,
    ],
    consumers=[
        standing.consumers,
        groups.consumers,
        activities.consumers,
        slots_consumers.consumers,
        delivery_consumers.consumers,
    ],
    jobs=[
        delivery_jobs.jobs,
        occurrence_jobs.jobs,
        slot_jobs.jobs,
    ],
    tags={
        "posts": "What members and staff publish, and the feed.",
        "discussion": "Comments on posts, and reactions to both.",
        "themes": "What a community speaks about, and the mix against its target.",
        "backlog": "Ideas, drafts and what is ready to be said.",
        "calendar": "Recurring slots, what fills them, what they lack, and how punctual they are.",
        "deliveries": "What goes out when and where, and whom it reached.",
    },
)
