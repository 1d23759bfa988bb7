"""Charters with their history, goals, and community templates."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run(
        [
            """CREATE TABLE charter_revision (
            community_id uuid NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            organization_id uuid NOT NULL,
            content jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
            changed_by uuid NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (community_id, version),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            *tenant_table("charter_revision", roles()),
            """CREATE TABLE goal (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            title jsonb NOT NULL CHECK (jsonb_typeof(title) = 'object' AND title <> '{}'),
            metric text NOT NULL,
            baseline bigint NOT NULL CHECK (baseline >= 0),
            target bigint NOT NULL CHECK (target >= 0 AND target <> baseline),
            due_on date NOT NULL,
            created_at timestamptz NOT NULL,
            withdrawn_at timestamptz,
            version integer NOT NULL CHECK (version > 0),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            "CREATE INDEX goal_standing ON goal (community_id, due_on, id) WHERE withdrawn_at IS NULL",
            *tenant_table("goal", roles()),
            """CREATE TABLE community_template (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL REFERENCES organization (id),
            title jsonb NOT NULL CHECK (jsonb_typeof(title) = 'object' AND title <> '{}'),
            content jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
            created_at timestamptz NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            UNIQUE (organization_id, id)
        )""",
            *tenant_table("community_template", roles()),
            """ALTER TABLE community
            ADD COLUMN template_id uuid,
            ADD COLUMN template_version integer CHECK (template_version > 0),
            ADD FOREIGN KEY (organization_id, template_id) REFERENCES community_template (organization_id, id),
            ADD CHECK ((template_id IS NULL) = (template_version IS NULL))""",
            "CREATE INDEX community_of_template ON community (template_id, id) WHERE template_id IS NOT NULL",
        ]
    )
