"""The contacts of partners, and what people agreed to."""

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0018"
down_revision = "0017"

# So that what is of a client is of the client's tenant too.
CLIENT = ["ALTER TABLE client ADD CONSTRAINT client_of_organization UNIQUE (organization_id, id)"]
TABLES = {
    # What a partner told of a person. Whose it is, the identity says: (crm, '<client>:<external id>'), which a merge moves along.
    "contact": [
        """CREATE TABLE contact (
            client_id uuid NOT NULL,
            external_id text NOT NULL CHECK (length(external_id) BETWEEN 1 AND 200),
            organization_id uuid NOT NULL,
            -- The partner's own; news of an older one changes nothing.
            version bigint NOT NULL CHECK (version > 0),
            name text CHECK (length(name) BETWEEN 1 AND 200),
            email text CHECK (length(email) BETWEEN 3 AND 320),
            phone text CHECK (length(phone) BETWEEN 3 AND 20),
            -- Made for this contact: it has the partner's name for the person until the person claims it.
            made_account_id uuid,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            deleted_at timestamptz,
            PRIMARY KEY (client_id, external_id),
            FOREIGN KEY (organization_id, client_id) REFERENCES client (organization_id, id),
            CHECK (deleted_at IS NULL OR (name IS NULL AND email IS NULL AND phone IS NULL))
        )""",
    ],
    # The newest version of a partner's tags for a contact in a community, and the digest of what it said.
    "contact_tagging": [
        """CREATE TABLE contact_tagging (
            client_id uuid NOT NULL,
            external_id text NOT NULL,
            community_id uuid NOT NULL,
            organization_id uuid NOT NULL,
            version bigint NOT NULL CHECK (version > 0),
            digest bytea NOT NULL CHECK (length(digest) = 32),
            PRIMARY KEY (client_id, external_id, community_id),
            FOREIGN KEY (client_id, external_id) REFERENCES contact (client_id, external_id)
        )""",
    ],
    # Where a person stands with one purpose; the records say how it came to that.
    "consent": [
        """CREATE TABLE consent (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            account_id uuid NOT NULL,
            purpose text NOT NULL CHECK (purpose IN ('partner', 'email', 'sms', 'wechat', 'phone')),
            client_id uuid,
            granted boolean NOT NULL,
            decided_at timestamptz NOT NULL,
            source text NOT NULL CHECK (source IN ('person', 'partner', 'staff')),
            version bigint NOT NULL CHECK (version > 0),
            UNIQUE NULLS NOT DISTINCT (account_id, purpose, client_id),
            FOREIGN KEY (organization_id, account_id) REFERENCES account (organization_id, id),
            FOREIGN KEY (organization_id, client_id) REFERENCES client (organization_id, id),
            CHECK ((purpose = 'partner') = (client_id IS NOT NULL))
        )""",
    ],
    "consent_record": [
        """CREATE TABLE consent_record (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            consent_id uuid NOT NULL REFERENCES consent,
            granted boolean NOT NULL,
            decided_at timestamptz NOT NULL,
            source text NOT NULL CHECK (source IN ('person', 'partner', 'staff')),
            source_client_id uuid,
            source_version bigint CHECK (source_version > 0),
            evidence text CHECK (length(evidence) BETWEEN 1 AND 2000),
            outcome text NOT NULL CHECK (outcome IN ('applied', 'unchanged', 'stale', 'outranked')),
            -- The account that was merged away, when the decision came from there.
            merged_account_id uuid,
            recorded_at timestamptz NOT NULL,
            CHECK ((source = 'partner') = (source_client_id IS NOT NULL)),
            CHECK (source_version IS NULL OR source = 'partner')
        )""",
        "CREATE INDEX consent_record_list ON consent_record (consent_id, id)",
        """CREATE UNIQUE INDEX consent_record_told ON consent_record (consent_id, source_client_id, source_version)
            WHERE source_version IS NOT NULL AND merged_account_id IS NULL""",
    ],
}


def upgrade() -> None:
    names = roles()
    run(CLIENT)
    for table, statements in TABLES.items():
        run(statements)
        run(tenant_table(table, names))
