"""Know which orders keep the buyer they have, and how many refunds of an order are in another currency.

Whether an order without a contact ever had one was not kept. One that has a buyer did, and one that was never changed did not; any other
counts as one whose buyer was erased, for else it may come to name somebody again. The column is made by an expression, for a migration's
own UPDATE would see no row under row-level security.
"""

from __future__ import annotations

from chassis.migrations import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run(
        [
            """ALTER TABLE partner_order ADD COLUMN contact_forgotten boolean NOT NULL
                GENERATED ALWAYS AS (contact IS NULL AND (account_id IS NOT NULL OR version > 1)) STORED""",
            "ALTER TABLE partner_order ALTER COLUMN contact_forgotten DROP EXPRESSION",
            "ALTER TABLE partner_order ALTER COLUMN contact_forgotten SET DEFAULT false",
            "ALTER TABLE partner_order ADD COLUMN refunds_in_other_currencies integer NOT NULL DEFAULT 0",
        ]
    )
