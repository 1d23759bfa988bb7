"""The chassis's tables, and accounts: organizations, accounts, identities, credentials, sessions, invitations, clients, keys.

SECURITY DEFINER functions (they alone read across tenants, and return an id and nothing else):
`organization_of_slug(text)`: which organization a slug stands for, before there is a tenant.
"""

from chassis.migrations import roles, run
from chassis.schema import chassis_tables, tenant_table

revision = "0001"
down_revision = None

# `organization` is its own tenant; every other table names it.
ORGANIZATION = [
    """CREATE TABLE organization (
        id uuid PRIMARY KEY,
        slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$' AND length(slug) BETWEEN 2 AND 60),
        name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
        version bigint NOT NULL CHECK (version > 0),
        created_at timestamptz NOT NULL
    )""",
    """CREATE FUNCTION organization_of_slug(wanted text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT id FROM organization WHERE slug = wanted $$""",
    "REVOKE ALL ON FUNCTION organization_of_slug(text) FROM PUBLIC",
]

# The keys that reference an account name the organization too: no row can point into another tenant.
TENANT_TABLES = {
    "account": [
        """CREATE TABLE account (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL REFERENCES organization (id),
            display_name text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
            avatar_url text CHECK (avatar_url LIKE 'https://%' AND length(avatar_url) <= 2000),
            bio text CHECK (length(bio) BETWEEN 1 AND 2000),
            locale text NOT NULL,
            zone text NOT NULL,
            bot boolean NOT NULL,
            organization_role text CHECK (organization_role IN ('owner', 'admin')),
            merged_into uuid CHECK (merged_into <> id),
            version bigint NOT NULL CHECK (version > 0),
            created_at timestamptz NOT NULL,
            UNIQUE (organization_id, id),
            FOREIGN KEY (organization_id, merged_into) REFERENCES account (organization_id, id),
            CHECK (organization_role IS NULL OR NOT bot),
            CHECK (organization_role IS NULL OR merged_into IS NULL)
        )""",
        "CREATE INDEX account_staff ON account (organization_id, created_at) WHERE organization_role IS NOT NULL",
        "CREATE INDEX account_merged ON account (organization_id, merged_into) WHERE merged_into IS NOT NULL",
    ],
    # Deferred, so that an import can take the identities first and then make accounts for those that it got.
    "identity": [
        """CREATE TABLE identity (
            organization_id uuid NOT NULL,
            provider text NOT NULL CHECK (provider IN ('email', 'phone', 'oidc', 'wechat', 'crm', 'import')),
            subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 400),
            account_id uuid NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (organization_id, provider, subject),
            FOREIGN KEY (organization_id, account_id) REFERENCES account (organization_id, id) DEFERRABLE INITIALLY DEFERRED
        )""",
        "CREATE INDEX identity_account ON identity (organization_id, account_id)",
    ],
    "credential": [
        """CREATE TABLE credential (
            account_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
            changed_at timestamptz NOT NULL,
            FOREIGN KEY (organization_id, account_id) REFERENCES account (organization_id, id)
        )""",
    ],
    "session": [
        """CREATE TABLE session (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            account_id uuid NOT NULL,
            seed bytea NOT NULL CHECK (length(seed) = 32),
            counter bigint NOT NULL CHECK (counter >= 0),
            token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
            rotated_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz,
            version bigint NOT NULL CHECK (version > 0),
            created_at timestamptz NOT NULL,
            FOREIGN KEY (organization_id, account_id) REFERENCES account (organization_id, id)
        )""",
        "CREATE INDEX session_account ON session (organization_id, account_id) WHERE revoked_at IS NULL",
        "CREATE INDEX session_expiry ON session (organization_id, expires_at)",
    ],
    "invitation": [
        """CREATE TABLE invitation (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            account_id uuid NOT NULL,
            token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
            invited_by uuid NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            claimed_at timestamptz,
            withdrawn_at timestamptz,
            FOREIGN KEY (organization_id, account_id) REFERENCES account (organization_id, id),
            CHECK (claimed_at IS NULL OR withdrawn_at IS NULL)
        )""",
        "CREATE UNIQUE INDEX invitation_open ON invitation (account_id) WHERE claimed_at IS NULL AND withdrawn_at IS NULL",
    ],
    "client": [
        """CREATE TABLE client (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL REFERENCES organization (id),
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
            secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
            previous_secret_hash bytea CHECK (length(previous_secret_hash) = 32),
            previous_expires_at timestamptz,
            created_by uuid NOT NULL,
            created_at timestamptz NOT NULL,
            secret_changed_at timestamptz NOT NULL,
            last_used_at timestamptz,
            deleted_at timestamptz,
            version bigint NOT NULL CHECK (version > 0),
            CHECK ((previous_secret_hash IS NULL) = (previous_expires_at IS NULL))
        )""",
        "CREATE INDEX client_list ON client (organization_id, id) WHERE deleted_at IS NULL",
    ],
}

# Of the installation and of no tenant: members.tables.INSTALLATION_TABLES. Neither holds personal data.
INSTALLATION = [
    """CREATE TABLE signing_key (
        kid text PRIMARY KEY,
        public_key bytea NOT NULL CHECK (length(public_key) = 32),
        sealed_private_key bytea NOT NULL,
        created_at timestamptz NOT NULL,
        signs_from timestamptz NOT NULL,
        withdrawn_at timestamptz
    )""",
    # Keyed hashes of e-mail and client address, never the things themselves.
    """CREATE TABLE login_limit (
        key bytea PRIMARY KEY CHECK (length(key) = 32),
        failures integer NOT NULL CHECK (failures >= 0),
        locked_until timestamptz,
        counted_at timestamptz NOT NULL
    )""",
    "CREATE INDEX login_limit_age ON login_limit (counted_at)",
]


def upgrade() -> None:
    names = roles()
    run(chassis_tables(names))
    run(ORGANIZATION)
    run([f"GRANT EXECUTE ON FUNCTION organization_of_slug(text) TO {names.application}"])
    run(tenant_table("organization", names, column="id"))
    for table, statements in TENANT_TABLES.items():
        run(statements)
        run(tenant_table(table, names))
    run(INSTALLATION)
    run(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {names.application}, {names.worker}"
        for table in ("signing_key", "login_limit")
    )
