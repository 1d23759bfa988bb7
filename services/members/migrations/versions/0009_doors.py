"""How often doors were opened, and the value moments and orders of those who came through them."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0009"
down_revision = "0008"

TABLES = {
    "entry_link_opens": [
        """CREATE TABLE entry_link_opens (
            link_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            opens bigint NOT NULL CHECK (opens > 0),
            FOREIGN KEY (organization_id, link_id) REFERENCES entry_link (organization_id, id)
        )"""
    ],
    # Projections of events: of the lifecycle, and of the value that orders bring.
    "entry_value_moment": [
        """CREATE TABLE entry_value_moment (
            value_moment_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            reached_at timestamptz NOT NULL
        )""",
        "CREATE INDEX entry_value_moment_of ON entry_value_moment (community_id, account_id)",
        "CREATE INDEX entry_value_moment_account ON entry_value_moment (account_id)",
    ],
    "entry_order": [
        """CREATE TABLE entry_order (
            order_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid,
            account_id uuid,
            currency text NOT NULL,
            amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
            reversed_fen bigint NOT NULL CHECK (reversed_fen >= 0),
            cancelled boolean NOT NULL,
            version bigint NOT NULL CHECK (version > 0)
        )""",
        "CREATE INDEX entry_order_of ON entry_order (community_id, account_id)",
        "CREATE INDEX entry_order_account ON entry_order (account_id)",
    ],
}


def upgrade() -> None:
    for table, statements in TABLES.items():
        run(statements)
        run(tenant_table(table, roles()))
