"""When a delivery was told again: from then on it may wait as long as one that is new."""

from __future__ import annotations

from chassis.migrations import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run(["ALTER TABLE delivery ADD COLUMN replayed_at timestamptz"])
