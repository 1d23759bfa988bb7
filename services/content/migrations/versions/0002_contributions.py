"""What one member said is found without reading what everybody said."""

from chassis.migrations import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run(
        [
            "CREATE INDEX comment_author ON comment (community_id, author_id, commented_at DESC, id DESC) WHERE deleted_at IS NULL",
            "CREATE INDEX reaction_account ON reaction (community_id, account_id, reacted_at) WHERE cardinality(emojis) > 0",
        ]
    )
