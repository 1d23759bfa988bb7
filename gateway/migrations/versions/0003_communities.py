"""Which communities an endpoint can be about, so that a mistyped id is told and not silently never delivered to."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run(
        [
            "CREATE TABLE community (id uuid PRIMARY KEY, organization_id uuid NOT NULL)",
            *tenant_table("community", roles()),
        ]
    )
