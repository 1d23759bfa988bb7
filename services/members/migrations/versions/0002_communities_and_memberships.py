"""Communities and memberships."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run(
        [
            """CREATE TABLE community (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL REFERENCES organization (id),
            slug text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]*$' AND length(slug) BETWEEN 2 AND 60),
            name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object' AND name <> '{}'),
            description jsonb NOT NULL CHECK (jsonb_typeof(description) = 'object'),
            zone text NOT NULL,
            state text NOT NULL CHECK (state IN ('draft', 'open', 'paused', 'archived')),
            created_by uuid NOT NULL,
            created_at timestamptz NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            CONSTRAINT community_slug UNIQUE (organization_id, slug),
            UNIQUE (organization_id, id),
            FOREIGN KEY (organization_id, created_by) REFERENCES account (organization_id, id)
        )""",
            "CREATE INDEX community_newest ON community (organization_id, created_at DESC, id DESC)",
            *tenant_table("community", roles()),
            """CREATE TABLE membership (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('applied', 'approved', 'rejected', 'left', 'removed')),
            roles text[] NOT NULL CHECK (roles <@ ARRAY['manager', 'moderator', 'editor', 'analyst']),
            staff boolean NOT NULL,
            bot boolean NOT NULL,
            message text,
            reason text,
            applied_at timestamptz NOT NULL,
            decided_at timestamptz,
            decided_by uuid,
            joined_at timestamptz,
            ended_at timestamptz,
            version integer NOT NULL CHECK (version > 0),
            UNIQUE (community_id, account_id),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id),
            FOREIGN KEY (organization_id, account_id) REFERENCES account (organization_id, id),
            CHECK (state <> 'approved' OR joined_at IS NOT NULL),
            CHECK (state = 'approved' OR roles = '{}')
        )""",
            "CREATE INDEX membership_by_state ON membership (community_id, state, id)",
            "CREATE INDEX membership_of_account ON membership (account_id)",
            *tenant_table("membership", roles()),
        ]
    )
