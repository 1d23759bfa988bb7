"""Which reactions stand, so that one taken back counts no more, in whatever order its events arrive."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run(
        [
            # The newest version of each emoji decides. Without `at` it was taken back; `day` is that of the community when it was counted.
            """CREATE TABLE reaction_kept (
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            reaction_id uuid NOT NULL,
            emoji text NOT NULL,
            account_id uuid NOT NULL,
            receiver_id uuid NOT NULL,
            at timestamptz,
            day date CHECK ((day IS NULL) = (at IS NULL)),
            version bigint NOT NULL,
            PRIMARY KEY (reaction_id, emoji),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            "CREATE INDEX reaction_kept_of_pair ON reaction_kept (account_id, receiver_id, community_id, day)",
            "CREATE INDEX reaction_kept_of_receiver ON reaction_kept (receiver_id)",
            *tenant_table("reaction_kept", roles()),
            # Who reacted and took it back was there: a day without anything that still stands.
            "ALTER TABLE member_day DROP CONSTRAINT member_day_check",
        ]
    )
