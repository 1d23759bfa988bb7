"""Partners, their consents and endpoints, beside the chassis's tables."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import chassis_tables, tenant_table

revision = "0001"
down_revision = None

TABLES = {
    # What members tell of API clients: a partner is one.
    "partner": """CREATE TABLE partner (
        client_id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        active boolean NOT NULL,
        scopes text[] NOT NULL,
        basis text NOT NULL CHECK (basis IN ('processor', 'consent'))
    )""",
    # Who agreed that a partner may be told of them; asked only for partners that need it.
    "partner_consent": """CREATE TABLE partner_consent (
        client_id uuid NOT NULL,
        account_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        granted boolean NOT NULL,
        PRIMARY KEY (client_id, account_id)
    )""",
    "endpoint": """CREATE TABLE endpoint (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        client_id uuid NOT NULL,
        url text NOT NULL CHECK (length(url) <= 2000),
        description text NOT NULL DEFAULT '' CHECK (length(description) <= 500),
        -- Filters as they were asked for; empty means every one.
        event_types text[] NOT NULL,
        community_ids uuid[] NOT NULL,
        ordering text NOT NULL CHECK (ordering IN ('parallel', 'fifo')),
        -- Sealed JSON: headers may hold a partner's credentials.
        headers bytea,
        header_names text[] NOT NULL DEFAULT '{}',
        enabled boolean NOT NULL,
        disabled_reason text CHECK (disabled_reason IN ('by_hand', 'gone', 'failing', 'client_withdrawn')),
        disabled_at timestamptz,
        -- Since when it has done nothing but fail.
        failing_since timestamptz,
        created_at timestamptz NOT NULL,
        created_by uuid NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        version bigint NOT NULL CHECK (version > 0),
        CHECK (enabled = (disabled_reason IS NULL)),
        CHECK (enabled = (disabled_at IS NULL))
    )""",
    "endpoint_secret": """CREATE TABLE endpoint_secret (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        endpoint_id uuid NOT NULL REFERENCES endpoint ON DELETE CASCADE,
        scheme text NOT NULL CHECK (scheme IN ('v1', 'v1a')),
        -- The text of the secret (whsec_… or whsk_…), sealed.
        sealed bytea NOT NULL,
        -- What partners verify v1a by (whpk_…).
        public_key text CHECK ((public_key IS NULL) = (scheme = 'v1')),
        created_at timestamptz NOT NULL,
        -- Another has taken its place; until then both sign.
        expires_at timestamptz
    )""",
}
INDEXES = [
    "CREATE INDEX endpoint_list ON endpoint (organization_id, id) WHERE deleted_at IS NULL",
    "CREATE INDEX endpoint_client ON endpoint (client_id) WHERE deleted_at IS NULL",
    "CREATE INDEX endpoint_secret_endpoint ON endpoint_secret (endpoint_id)",
]


def upgrade() -> None:
    run(chassis_tables(roles()))
    for table, definition in TABLES.items():
        run([definition, *tenant_table(table, roles())])
    run(INDEXES)
