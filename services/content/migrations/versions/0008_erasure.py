"""What a person left is found by who they are, whatever its state."""

from __future__ import annotations

from chassis.migrations import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run(
        [
            "CREATE INDEX post_of_person ON post (author_id, id) WHERE deleted_at IS NULL",
            "CREATE INDEX comment_of_person ON comment (author_id, id) WHERE deleted_at IS NULL",
            "CREATE INDEX acknowledgement_of_person ON acknowledgement (account_id)",
        ]
    )
