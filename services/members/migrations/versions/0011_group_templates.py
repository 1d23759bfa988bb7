"""Templates of groups that stand alone, beside those of communities; what each group was given by its template."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run(
        [
            "ALTER TABLE community_template ADD COLUMN kind text NOT NULL DEFAULT 'community' CHECK (kind IN ('community', 'group'))",
            "ALTER TABLE community_template ALTER COLUMN kind DROP DEFAULT",
            "DROP INDEX community_template_page",
            "CREATE INDEX community_template_page ON community_template (organization_id, kind, id)",
            # What the template last set in a group, field by field: whatever differs now is the group's own edit.
            """CREATE TABLE group_template_application (
            group_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            template_id uuid NOT NULL,
            template_version integer NOT NULL,
            fields jsonb NOT NULL CHECK (jsonb_typeof(fields) = 'object'),
            applied_at timestamptz NOT NULL,
            FOREIGN KEY (community_id, group_id) REFERENCES community_group (community_id, id),
            FOREIGN KEY (organization_id, template_id) REFERENCES community_template (organization_id, id),
            FOREIGN KEY (template_id, template_version) REFERENCES community_template_revision (template_id, version)
        )""",
            "CREATE INDEX group_template_application_of ON group_template_application (template_id, group_id)",
            *tenant_table("group_template_application", roles()),
        ]
    )
