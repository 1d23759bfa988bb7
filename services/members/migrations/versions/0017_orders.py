"""Orders as partners told them last, and what they come to for each member."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run(
        [
            # A projection: what it names may not be here yet, or no more.
            """CREATE TABLE order_kept (
            order_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid,
            account_id uuid,
            placed_at timestamptz NOT NULL,
            currency text NOT NULL,
            net_fen bigint NOT NULL CHECK (net_fen >= 0),
            stands boolean NOT NULL,
            version bigint NOT NULL CHECK (version > 0)
        )""",
            "CREATE INDEX order_kept_of_buyer ON order_kept (account_id, community_id) WHERE account_id IS NOT NULL",
            *tenant_table("order_kept", roles()),
            """CREATE TABLE member_orders (
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            orders integer NOT NULL CHECK (orders >= 0),
            last_order_at timestamptz,
            -- Currency -> what is left of the orders that stand.
            totals jsonb NOT NULL CHECK (jsonb_typeof(totals) = 'object'),
            PRIMARY KEY (community_id, account_id),
            CHECK ((orders > 0) = (last_order_at IS NOT NULL))
        )""",
            *tenant_table("member_orders", roles()),
            # Late news may still name these. Nothing is kept but ids.
            """CREATE TABLE erased_buyer (
            account_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL
        )""",
            *tenant_table("erased_buyer", roles()),
        ]
    )
