"""Let a lane begin anew while a process has it: what that process knows of pauses is then about what was before."""

from __future__ import annotations

from chassis.migrations import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run(["ALTER TABLE lane ADD COLUMN anew boolean NOT NULL DEFAULT false"])
