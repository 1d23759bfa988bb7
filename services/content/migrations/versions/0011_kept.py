"""What is meant to stay right is few: freshness is counted over it alone."""

from __future__ import annotations

from chassis.migrations import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run(
        [
            """CREATE INDEX post_kept ON post (community_id) INCLUDE (organization_id, review_at)
                WHERE state = 'published' AND (evergreen OR pin_rank IS NOT NULL)"""
        ]
    )
