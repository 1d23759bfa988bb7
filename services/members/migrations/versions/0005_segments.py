"""Segments, who is in them, and whose standing in them is to be looked at again."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run(
        [
            # A preview of a large community looks at so many members in the order of this hash: a random sample, the same each time.
            """CREATE INDEX membership_sample ON membership (community_id, uuid_hash_extended(account_id, 0))
            WHERE state = 'approved'""",
            """CREATE TABLE segment (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object' AND name <> '{}'),
            filter jsonb NOT NULL CHECK (jsonb_typeof(filter) = 'object'),
            filter_version integer NOT NULL CHECK (filter_version > 0),
            current_version integer CHECK (current_version <= filter_version),
            current_at timestamptz,
            members bigint NOT NULL DEFAULT 0 CHECK (members >= 0),
            crossings bigint NOT NULL DEFAULT 0,
            created_by uuid NOT NULL,
            created_at timestamptz NOT NULL,
            deleted_at timestamptz,
            version integer NOT NULL CHECK (version > 0),
            UNIQUE (organization_id, id),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            "CREATE INDEX segment_standing ON segment (community_id, id) WHERE deleted_at IS NULL",
            *tenant_table("segment", roles()),
            """CREATE TABLE segment_member (
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            segment_id uuid NOT NULL,
            account_id uuid NOT NULL,
            entered_at timestamptz NOT NULL,
            PRIMARY KEY (segment_id, account_id),
            FOREIGN KEY (organization_id, segment_id) REFERENCES segment (organization_id, id)
        )""",
            "CREATE INDEX segment_member_of_account ON segment_member (community_id, account_id)",
            *tenant_table("segment_member", roles()),
            # Only ever added to and taken from: whoever marks waits for nobody.
            """CREATE TABLE segment_dirty (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL
        )""",
            "CREATE INDEX segment_dirty_of_community ON segment_dirty (community_id, id)",
            *tenant_table("segment_dirty", roles()),
        ]
    )
