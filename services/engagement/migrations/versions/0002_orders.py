"""Orders that partners tell, and the accounts that are no buyers any more."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0002"
down_revision = "0001"

ORDERS = [
    # A projection: what it names may not be known here yet, or no more.
    """CREATE TABLE customer_order (
        order_id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        account_id uuid,
        community_id uuid,
        post_id uuid,
        client_id uuid NOT NULL,
        source text NOT NULL,
        external_id text NOT NULL,
        placed_at timestamptz NOT NULL,
        currency text NOT NULL,
        amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
        reversed_fen bigint NOT NULL CHECK (reversed_fen BETWEEN 0 AND amount_fen),
        cancelled boolean NOT NULL CHECK (NOT cancelled OR reversed_fen = amount_fen),
        -- The partner's version is what late news is told by; ours counts on too when an account is merged or erased.
        told_version bigint NOT NULL CHECK (told_version > 0),
        version bigint NOT NULL CHECK (version > 0)
    )""",
    "CREATE INDEX customer_order_of_community ON customer_order (community_id, placed_at, order_id)",
    "CREATE INDEX customer_order_of_buyer ON customer_order (account_id, community_id, placed_at, order_id)",
]
GONE = [
    # Late news may still name these. Nothing is kept but ids.
    """CREATE TABLE gone_account (
        account_id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        became uuid CHECK (became <> account_id)
    )"""
]


def upgrade() -> None:
    run(ORDERS)
    run(tenant_table("customer_order", roles()))
    run(GONE)
    run(tenant_table("gone_account", roles()))
