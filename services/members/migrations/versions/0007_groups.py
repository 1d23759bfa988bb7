"""Groups with their members, rules of assignment and cards; versions of community templates and what they last set."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run(
        [
            # The version of a member's groups, apart from the membership's: joining a group is no change of standing.
            "ALTER TABLE membership ADD COLUMN groups_version bigint NOT NULL DEFAULT 0 CHECK (groups_version >= 0)",
            """CREATE TABLE community_group (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            series_id uuid NOT NULL,
            ordinal integer NOT NULL CHECK (ordinal > 0),
            dimension text NOT NULL CHECK (dimension IN ('department', 'product', 'interest', 'other')),
            name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object' AND name <> '{}'),
            hosts uuid[] NOT NULL CHECK (cardinality(hosts) <= 20),
            capacity integer CHECK (capacity > 0),
            members integer NOT NULL CHECK (members >= 0),
            state text NOT NULL CHECK (state IN ('open', 'closed')),
            self_join boolean NOT NULL,
            template_key text,
            created_at timestamptz NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            CHECK (members <= capacity),
            CHECK ((ordinal = 1) = (series_id = id)),
            CHECK (ordinal = 1 OR template_key IS NULL),
            UNIQUE (series_id, ordinal),
            UNIQUE (community_id, id),
            UNIQUE (community_id, series_id, id),
            UNIQUE (community_id, template_key),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            "CREATE INDEX community_group_page ON community_group (community_id, id)",
            *tenant_table("community_group", roles()),
            """CREATE TABLE group_member (
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            group_id uuid NOT NULL,
            series_id uuid NOT NULL,
            account_id uuid NOT NULL,
            joined_at timestamptz NOT NULL,
            PRIMARY KEY (group_id, account_id),
            UNIQUE (series_id, account_id),
            FOREIGN KEY (community_id, series_id, group_id) REFERENCES community_group (community_id, series_id, id),
            FOREIGN KEY (community_id, account_id) REFERENCES membership (community_id, account_id)
        )""",
            "CREATE INDEX group_member_page ON group_member (group_id, joined_at, account_id)",
            "CREATE INDEX group_member_of_account ON group_member (community_id, account_id)",
            *tenant_table("group_member", roles()),
            """CREATE TABLE group_assignment (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            group_id uuid NOT NULL,
            reason_code text NOT NULL,
            reason_params jsonb NOT NULL CHECK (jsonb_typeof(reason_params) = 'object'),
            rules_version integer,
            rule_key text,
            inputs jsonb NOT NULL CHECK (jsonb_typeof(inputs) = 'object'),
            decided_by uuid,
            decided_at timestamptz NOT NULL,
            CHECK ((rules_version IS NULL) = (rule_key IS NULL)),
            FOREIGN KEY (community_id, group_id) REFERENCES community_group (community_id, id)
        )""",
            "CREATE INDEX group_assignment_page ON group_assignment (community_id, id)",
            "CREATE INDEX group_assignment_of_account ON group_assignment (community_id, account_id, id)",
            *tenant_table("group_assignment", roles()),
            """CREATE TABLE group_rules (
            community_id uuid NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            organization_id uuid NOT NULL,
            content jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
            changed_by uuid NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (community_id, version),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            *tenant_table("group_rules", roles()),
            """CREATE TABLE group_rules_run (
            community_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            rules_version integer NOT NULL,
            started_by uuid NOT NULL,
            started_at timestamptz NOT NULL,
            finished_at timestamptz,
            looked_at integer NOT NULL CHECK (looked_at >= 0),
            placed integer NOT NULL CHECK (placed >= 0),
            after_membership_id uuid,
            FOREIGN KEY (community_id, rules_version) REFERENCES group_rules (community_id, version)
        )""",
            *tenant_table("group_rules_run", roles()),
            # A community's own card has the community as its subject, a group's card the group.
            """CREATE TABLE card_revision (
            subject_id uuid NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            content jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
            changed_by uuid,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (subject_id, version),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            *tenant_table("card_revision", roles()),
            """CREATE TABLE community_template_revision (
            template_id uuid NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            organization_id uuid NOT NULL,
            title jsonb NOT NULL CHECK (jsonb_typeof(title) = 'object' AND title <> '{}'),
            content jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
            changed_by uuid,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (template_id, version),
            FOREIGN KEY (organization_id, template_id) REFERENCES community_template (organization_id, id)
        )""",
            *tenant_table("community_template_revision", roles()),
            """INSERT INTO community_template_revision (template_id, version, organization_id, title, content, changed_at)
            SELECT id, version, organization_id, title, content, created_at FROM community_template""",
            "CREATE INDEX community_template_page ON community_template (organization_id, id)",
            # What the template last set in a community, field by field: whatever differs now is the community's own edit.
            """CREATE TABLE template_application (
            community_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            fields jsonb NOT NULL CHECK (jsonb_typeof(fields) = 'object'),
            applied_at timestamptz NOT NULL,
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            *tenant_table("template_application", roles()),
        ]
    )
