"""The sample service's tables."""

from chassis.migrations import roles, run
from chassis.schema import chassis_tables, standing_tables, tenant_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    run(
        [
            *chassis_tables(roles()),
            *standing_tables(roles()),
            """CREATE TABLE note (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            body text NOT NULL CHECK (length(body) <= 100),
            version integer NOT NULL
        )""",
            *tenant_table("note", roles()),
            "CREATE TABLE seen (id uuid PRIMARY KEY, organization_id uuid NOT NULL, state text NOT NULL, times integer NOT NULL)",
            *tenant_table("seen", roles()),
        ]
    )
