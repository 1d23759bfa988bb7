"""On what basis a partner gets personal data, and what it is that it gets."""

from chassis.migrations import run

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run(
        [
            # The defaults stay: processes of the version before make clients without either while they are being replaced.
            "ALTER TABLE client ADD COLUMN basis text NOT NULL DEFAULT 'consent' CHECK (basis IN ('processor', 'consent'))",
            "ALTER TABLE client ADD COLUMN shared jsonb NOT NULL DEFAULT '{}'",
        ]
    )
