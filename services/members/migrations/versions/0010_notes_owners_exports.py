"""Who looks after a member, what staff note about them, and which lists were taken out as files."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run(
        [
            # The version of who looks after a member, apart from the membership's: it is no change of standing.
            """ALTER TABLE membership ADD COLUMN owner_id uuid,
            ADD COLUMN owner_version bigint NOT NULL DEFAULT 0 CHECK (owner_version >= 0),
            ADD FOREIGN KEY (organization_id, owner_id) REFERENCES account (organization_id, id)""",
            "CREATE INDEX membership_by_owner ON membership (community_id, owner_id, state, id) WHERE owner_id IS NOT NULL",
            # A merge finds whom the merged account looks after.
            "CREATE INDEX membership_of_owner ON membership (owner_id) WHERE owner_id IS NOT NULL",
            """CREATE TABLE membership_note (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            membership_id uuid NOT NULL REFERENCES membership (id),
            author_id uuid NOT NULL,
            body text NOT NULL,
            written_at timestamptz NOT NULL,
            edited_at timestamptz,
            edited_by uuid,
            deleted_at timestamptz,
            version integer NOT NULL CHECK (version > 0),
            FOREIGN KEY (community_id, account_id) REFERENCES membership (community_id, account_id),
            FOREIGN KEY (organization_id, author_id) REFERENCES account (organization_id, id),
            CHECK ((edited_at IS NULL) = (edited_by IS NULL)),
            -- Deleted, the words are gone; the row stays, so that its version goes on.
            CHECK (CASE WHEN deleted_at IS NULL THEN length(body) BETWEEN 1 AND 4000 ELSE body = '' END)
        )""",
            "CREATE INDEX membership_note_of_member ON membership_note (membership_id, id DESC) WHERE deleted_at IS NULL",
            "CREATE INDEX membership_note_of_account ON membership_note (account_id)",
            "CREATE INDEX membership_note_of_author ON membership_note (author_id)",
            *tenant_table("membership_note", roles()),
            # Who took what out, and when; `sent` and `finished_at` stay empty when the download broke off.
            """CREATE TABLE export (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            community_id uuid,
            list_name text NOT NULL,
            filters jsonb NOT NULL CHECK (jsonb_typeof(filters) = 'object'),
            rows integer NOT NULL CHECK (rows >= 0),
            sent integer CHECK (sent >= 0),
            made_by uuid NOT NULL,
            made_at timestamptz NOT NULL,
            finished_at timestamptz,
            CHECK ((sent IS NULL) = (finished_at IS NULL)),
            FOREIGN KEY (organization_id, community_id) REFERENCES community (organization_id, id)
        )""",
            "CREATE INDEX export_newest ON export (organization_id, community_id, id DESC)",
            *tenant_table("export", roles()),
        ]
    )
