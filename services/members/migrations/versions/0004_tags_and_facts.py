"""Tags on memberships, and what members did, day by day."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run(
        [
            # The version of a member's tags, apart from the membership's: tagging is no change of standing.
            "ALTER TABLE membership ADD COLUMN tags_version bigint NOT NULL DEFAULT 0 CHECK (tags_version >= 0)",
            """CREATE TABLE membership_tag (
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            tag text NOT NULL CHECK (length(tag) BETWEEN 1 AND 40 AND tag = btrim(tag)),
            PRIMARY KEY (community_id, account_id, tag),
            FOREIGN KEY (community_id, account_id) REFERENCES membership (community_id, account_id)
        )""",
            "CREATE INDEX membership_tag_members ON membership_tag (community_id, tag, account_id)",
            *tenant_table("membership_tag", roles()),
            """CREATE TABLE member_day (
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            day date NOT NULL,
            posts integer NOT NULL CHECK (posts >= 0),
            comments integer NOT NULL CHECK (comments >= 0),
            reactions integer NOT NULL CHECK (reactions >= 0),
            PRIMARY KEY (community_id, account_id, day),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id),
            CHECK (posts + comments + reactions > 0)
        )""",
            # Counts are in no index, so that counting on is a HOT update.
            "CREATE INDEX member_day_by_day ON member_day (community_id, day)",
            *tenant_table("member_day", roles()),
            """CREATE TABLE reaction_received (
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            from_account_id uuid NOT NULL CHECK (from_account_id <> account_id),
            day date NOT NULL,
            PRIMARY KEY (community_id, account_id, from_account_id, day),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            "CREATE INDEX reaction_received_by_day ON reaction_received (community_id, day)",
            # A merge finds what the merged account gave.
            "CREATE INDEX reaction_received_from ON reaction_received (from_account_id)",
            *tenant_table("reaction_received", roles()),
            """CREATE TABLE member_facts (
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            posts bigint NOT NULL CHECK (posts >= 0),
            comments bigint NOT NULL CHECK (comments >= 0),
            reactions bigint NOT NULL CHECK (reactions >= 0),
            active_days integer NOT NULL CHECK (active_days >= 0),
            first_active_at timestamptz NOT NULL,
            last_active_at timestamptz NOT NULL CHECK (last_active_at >= first_active_at),
            PRIMARY KEY (community_id, account_id),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            "CREATE INDEX member_facts_of_account ON member_facts (account_id)",
            *tenant_table("member_facts", roles()),
        ]
    )
