"""Which accounts became one with another, whose consent counts for what names them."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0010"
down_revision = "0009"

# Filled in the transaction that moves the consents. What inbound orders know of accounts that went, in partner_gone, comes at another time.
PARTNER_MERGED = """CREATE TABLE partner_merged (
    account_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    survivor_id uuid NOT NULL
)"""


def upgrade() -> None:
    run(
        [
            PARTNER_MERGED,
            *tenant_table("partner_merged", roles()),
            "CREATE INDEX partner_merged_survivor ON partner_merged (survivor_id)",
        ]
    )
