"""Content's composition root."""

from __future__ import annotations

from pathlib import Path

from chassis import standing
from chassis.app import Service
from chassis.runtime import Runtime
from content.announcements import jobs as announcement_jobs
from content.announcements import routes as announcements
from content.audience import queries as audience
from content.backlog import routes as backlog
from content.calendar.activities import consumers as activities
from content.calendar.occurrences import jobs as occurrence_jobs
from content.calendar.occurrences import routes as occurrences
from content.calendar.punctuality import routes as punctuality
from content.calendar.slots import consumers as slots_consumers
from content.calendar.slots import jobs as slot_jobs
from content.calendar.slots import routes as slots
from content.contributions import routes as contributions
from content.delivery import commands as delivery_commands
from content.delivery import consumers as delivery_consumers
from content.delivery import jobs as delivery_jobs
from content.delivery import routes as delivery
from content.discussion import routes as discussion
from content.erasure import consumers as erasure_consumers
from content.erasure import jobs as erasure_jobs
from content.exports import routes as exports
from content.groups import consumers as groups
from content.media import queries as media_queries
from content.media import routes as media
from content.media.stores import opened as media_stores
from content.media.upkeep import consumers as media_consumers
from content.media.upkeep import jobs as media_jobs
from content.moderation import folding
from content.moderation.checks import commands as checks
from content.moderation.checks import jobs as check_jobs
from content.moderation.compliance import jobs as compliance_jobs
from content.moderation.compliance import routes as compliance
from content.moderation.compliance import sealing
from content.moderation.detections import routes as detections
from content.moderation.detectors import routes as detectors
from content.moderation.external import routes as external
from content.moderation.holds import routes as holds
from content.moderation.sanctions import consumers as conduct
from content.moderation.sanctions import jobs as sanction_jobs
from content.moderation.sanctions.queries import STANDING
from content.personas import routes as personas
from content.posts import commands as post_commands
from content.posts import routes as posts
from content.posts.desk import routes as desk
from content.posts.editing import routes as editing
from content.posts.review import routes as review
from content.posts.reviewing import routes as reviewing
from content.posts.upkeep import jobs as upkeep_jobs
from content.posts.upkeep import routes as upkeep
from content.programme import routes as programme
from content.reading import routes as reading
from content.rendering import jobs as rendering_jobs
from content.search import routes as search
from content.settings import ContentSettings
from content.themes import routes as themes
from content.worth import consumers as worth_consumers
from content.worth import jobs as worth_jobs
from content.worth import routes as worth


async def start(runtime: Runtime) -> None:
    """Have what content cannot run without: the seal of the publication log, the tables by which texts are read, the store of media."""
    folding.prepare()
    media_stores.open_for(runtime)
    assert isinstance(runtime.settings, ContentSettings)  # noqa: S101  narrows for the type checker
    sealing.use(runtime.settings.publication_secret.get_secret_value())


post_commands.CHECKS.append(checks.check)
media_queries.SUBJECTS.update(
    post=audience.readable_posts, comment=audience.readable_comments, item=audience.readable_items
)

post_commands.SETTLED.append(delivery_commands.note_judged)

service = Service(
    name="content",
    title="Content",
    settings=ContentSettings,
    migrations=Path(__file__).parents[2] / "migrations",
    standing_query=STANDING,
    routers=[
        posts.imports,
        posts.routes,
        exports.of_posts,
        editing.routes,
        desk.routes,
        review.routes,
        upkeep.routes,
        reviewing.routes,
        personas.routes,
        announcements.routes,
        discussion.imports,
        discussion.routes,
        exports.of_discussion,
        reading.routes,
        search.routes,
        contributions.routes,
        themes.routes,
        backlog.routes,
        delivery.routes,
        slots.routes,
        occurrences.routes,
        punctuality.routes,
        programme.routes,
        detectors.routes,
        detections.routes,
        holds.routes,
        compliance.routes,
        media.routes,
        external.routes,
        worth.routes,
    ],
    consumers=[
        standing.consumers,
        groups.consumers,
        activities.consumers,
        slots_consumers.consumers,
        delivery_consumers.consumers,
        conduct.consumers,
        media_consumers.consumers,
        erasure_consumers.consumers,
        worth_consumers.consumers,
    ],
    jobs=[
        delivery_jobs.jobs,
        occurrence_jobs.jobs,
        slot_jobs.jobs,
        rendering_jobs.jobs,
        upkeep_jobs.jobs,
        announcement_jobs.jobs,
        check_jobs.jobs,
        compliance_jobs.jobs,
        sanction_jobs.jobs,
        media_jobs.jobs,
        erasure_jobs.jobs,
        worth_jobs.jobs,
    ],
    on_start=start,
    tags={
        "posts": "What members and staff publish, and the feed.",
        "personas": "Personas of the brand, as which editors speak.",
        "announcements": "Who has acknowledged what they are asked to, and who not.",
        "reading": "The feed in its orders, what is read and unread, bookmarks and mentions.",
        "search": "Posts and comments by their words.",
        "discussion": "Comments on posts, and reactions to both.",
        "themes": "What a community speaks about, and the mix against its target.",
        "backlog": "Ideas, drafts and what is ready to be said.",
        "calendar": "Recurring slots, what fills them, what they lack, and how punctual they are.",
        "media": "Images, audio, video and files that people upload, and their avatars.",
        "deliveries": "What goes out when and where, and whom it reached.",
        "worth": "What each piece did for its readers, and the balance between serving and selling.",
        "moderation": "Detectors named by clauses, what they find and hold, and under which law a community publishes.",
    },
)
