"""Files of members: staged rows that expire, and what became of each."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run(
        [
            """CREATE TABLE member_file (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            state text NOT NULL
                CHECK (state IN ('uploaded', 'mapped', 'checking', 'checked', 'importing', 'imported', 'cancelled')),
            filename text CHECK (length(filename) BETWEEN 1 AND 200),
            format text NOT NULL CHECK (format IN ('csv', 'xlsx')),
            encoding text,
            delimiter text,
            header boolean NOT NULL,
            columns text[] NOT NULL CHECK (cardinality(columns) BETWEEN 1 AND 200),
            mapping jsonb,
            rows integer NOT NULL CHECK (rows > 0),
            done integer NOT NULL DEFAULT 0,
            after integer NOT NULL DEFAULT 0,
            counts jsonb NOT NULL DEFAULT '{}',
            reason text,
            created_by uuid NOT NULL,
            created_at timestamptz NOT NULL,
            started_by uuid,
            started_at timestamptz,
            finished_at timestamptz,
            expires_at timestamptz NOT NULL,
            version integer NOT NULL CHECK (version > 0),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id),
            CHECK (done BETWEEN 0 AND rows),
            CHECK (state IN ('uploaded', 'cancelled') OR mapping IS NOT NULL),
            CHECK ((started_at IS NULL) = (started_by IS NULL)),
            CHECK (state NOT IN ('importing', 'imported') OR started_at IS NOT NULL)
        )""",
            "CREATE INDEX member_file_of_community ON member_file (community_id, id)",
            *tenant_table("member_file", roles()),
            """CREATE TABLE member_file_row (
            file_id uuid NOT NULL REFERENCES member_file ON DELETE CASCADE,
            number integer NOT NULL CHECK (number > 0),
            organization_id uuid NOT NULL,
            cells jsonb NOT NULL,
            outcome text CHECK (outcome IN ('create', 'join', 'change', 'keep', 'reject')),
            code text,
            params jsonb,
            account_id uuid,
            PRIMARY KEY (file_id, number),
            CHECK ((code IS NOT NULL) = (outcome IS NOT DISTINCT FROM 'reject'))
        )""",
            "CREATE INDEX member_file_row_by_outcome ON member_file_row (file_id, outcome, number) WHERE outcome IS NOT NULL",
            *tenant_table("member_file_row", roles()),
            # Which person a row of the file has named already: digests of ids and contacts.
            """CREATE TABLE member_file_key (
            file_id uuid NOT NULL REFERENCES member_file ON DELETE CASCADE,
            key bytea NOT NULL,
            organization_id uuid NOT NULL,
            number integer NOT NULL,
            PRIMARY KEY (file_id, key)
        )""",
            *tenant_table("member_file_key", roles()),
        ]
    )
