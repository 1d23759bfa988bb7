"""Tier standards, who is in which tier and why, and removal for long silence."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run(
        [
            """CREATE TABLE tier_standard (
            community_id uuid NOT NULL,
            number integer NOT NULL CHECK (number > 0),
            organization_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('draft', 'adopted', 'superseded')),
            tiers jsonb NOT NULL CHECK (jsonb_typeof(tiers) = 'array' AND jsonb_array_length(tiers) > 1),
            grace_days integer NOT NULL CHECK (grace_days >= 0),
            created_by uuid NOT NULL,
            created_at timestamptz NOT NULL,
            adopted_by uuid,
            adopted_at timestamptz,
            version integer NOT NULL CHECK (version > 0),
            PRIMARY KEY (community_id, number),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id),
            CHECK ((state = 'draft') = (adopted_at IS NULL)),
            CHECK ((adopted_at IS NULL) = (adopted_by IS NULL))
        )""",
            "CREATE UNIQUE INDEX tier_standard_in_force ON tier_standard (community_id) WHERE state = 'adopted'",
            *tenant_table("tier_standard", roles()),
            # The row stays when a member goes, without a tier: its version must go on.
            """CREATE TABLE tier_member (
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            tier_code text,
            since timestamptz NOT NULL,
            grace_until timestamptz,
            manual_until timestamptz,
            standard_version integer NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            PRIMARY KEY (community_id, account_id),
            FOREIGN KEY (community_id, account_id) REFERENCES membership (community_id, account_id),
            CHECK (tier_code IS NOT NULL OR (grace_until IS NULL AND manual_until IS NULL))
        )""",
            "CREATE INDEX tier_member_by_tier ON tier_member (community_id, tier_code, account_id)",
            *tenant_table("tier_member", roles()),
            """CREATE TABLE tier_move (
            id uuid PRIMARY KEY DEFAULT uuidv7(),
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            at timestamptz NOT NULL,
            from_tier text,
            to_tier text,
            grace_until timestamptz,
            manual_until timestamptz,
            standard_version integer NOT NULL,
            reason text NOT NULL,
            inputs jsonb NOT NULL,
            actor uuid,
            note text,
            CHECK ((actor IS NULL) = (note IS NULL))
        )""",
            "CREATE INDEX tier_move_of_member ON tier_move (community_id, account_id, id DESC)",
            *tenant_table("tier_move", roles()),
            # Only ever added to and taken from: whoever marks waits for nobody.
            """CREATE TABLE tier_dirty (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL
        )""",
            "CREATE INDEX tier_dirty_of_community ON tier_dirty (community_id, id)",
            *tenant_table("tier_dirty", roles()),
            """CREATE TABLE membership_standard (
            community_id uuid NOT NULL,
            number integer NOT NULL CHECK (number > 0),
            organization_id uuid NOT NULL,
            enabled boolean NOT NULL,
            silent_days integer NOT NULL CHECK (silent_days BETWEEN 7 AND 3650),
            notice_days integer NOT NULL CHECK (notice_days BETWEEN 1 AND 365),
            exempt_roles text[] NOT NULL,
            exempt_tags text[] NOT NULL,
            changed_by uuid NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (community_id, number),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            *tenant_table("membership_standard", roles()),
            """CREATE TABLE silence_notice (
            id uuid PRIMARY KEY DEFAULT uuidv7(),
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            membership_id uuid NOT NULL,
            standard_number integer NOT NULL,
            silent_since timestamptz NOT NULL,
            given_at timestamptz NOT NULL,
            remove_at timestamptz NOT NULL CHECK (remove_at > given_at),
            state text NOT NULL CHECK (state IN ('given', 'lifted', 'removed', 'appealed', 'granted', 'declined')),
            reason text,
            ended_at timestamptz,
            appeal text,
            appealed_at timestamptz,
            decided_by uuid,
            decided_at timestamptz,
            decision text,
            version integer NOT NULL CHECK (version > 0),
            FOREIGN KEY (community_id, account_id) REFERENCES membership (community_id, account_id),
            FOREIGN KEY (community_id, standard_number) REFERENCES membership_standard (community_id, number),
            CHECK ((state = 'given') = (ended_at IS NULL)),
            CHECK ((appeal IS NULL) = (appealed_at IS NULL)),
            CHECK ((state IN ('appealed', 'granted', 'declined')) = (appeal IS NOT NULL)),
            CHECK ((state IN ('granted', 'declined')) = (decided_at IS NOT NULL))
        )""",
            "CREATE UNIQUE INDEX silence_notice_given ON silence_notice (community_id, account_id) WHERE state = 'given'",
            "CREATE INDEX silence_notice_due ON silence_notice (community_id, remove_at) WHERE state = 'given'",
            "CREATE INDEX silence_notice_of_member ON silence_notice (community_id, account_id, id DESC)",
            "CREATE INDEX silence_notice_by_state ON silence_notice (community_id, state, id)",
            *tenant_table("silence_notice", roles()),
        ]
    )
