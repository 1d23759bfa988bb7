"""Activity facts, beside the chassis's tables and the standing projection."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import chassis_tables, standing_tables, tenant_table

revision = "0001"
down_revision = None

ACTIVITY = [
    """CREATE TABLE activity (
        organization_id uuid NOT NULL,
        community_id uuid NOT NULL,
        account_id uuid NOT NULL,
        occurred_at timestamptz NOT NULL,
        kind text NOT NULL CHECK (kind IN ('post', 'comment', 'reaction')),
        -- The event that told of it: one fact, however often it is told.
        source_id uuid PRIMARY KEY
    )""",
    # Everything that the figures need, so that they are read from the index alone.
    "CREATE INDEX activity_pulse ON activity (community_id, account_id, occurred_at) INCLUDE (organization_id)",
]


def upgrade() -> None:
    run(chassis_tables(roles()))
    run(standing_tables(roles()))
    run(ACTIVITY)
    run(tenant_table("activity", roles()))
