"""The recurring slots of content, of which the launch gate asks one under a theme."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run(
        [
            # A projection: it may know of a community that is not here yet, or no more.
            """CREATE TABLE recurring_slot (
            slot_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            theme_id uuid,
            retired boolean NOT NULL
        )""",
            "CREATE INDEX recurring_slot_community ON recurring_slot (community_id) WHERE NOT retired",
            *tenant_table("recurring_slot", roles()),
        ]
    )
