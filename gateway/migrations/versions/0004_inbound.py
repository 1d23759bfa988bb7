"""Sources, receipts, items, and the orders that partners tell of.

SECURITY DEFINER functions: `inbound_source` alone reads across tenants, for a webhook names no organization; it returns of one source
that takes messages what verifying them needs, keys sealed, and nothing else.
"""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0004"
down_revision = "0003"

TABLES = {
    "source": """CREATE TABLE source (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        client_id uuid NOT NULL,
        name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
        -- How its messages are verified: the schema of the API, without keys.
        verification jsonb NOT NULL,
        open boolean NOT NULL,
        -- The mapping in force, none before the first is adopted.
        mapping integer,
        created_at timestamptz NOT NULL,
        created_by uuid NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        version bigint NOT NULL CHECK (version > 0)
    )""",
    "source_key": """CREATE TABLE source_key (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        source_id uuid NOT NULL REFERENCES source ON DELETE CASCADE,
        sealed bytea NOT NULL,
        created_at timestamptz NOT NULL,
        -- Another has taken its place; until then both verify.
        expires_at timestamptz
    )""",
    "source_mapping": """CREATE TABLE source_mapping (
        source_id uuid NOT NULL REFERENCES source ON DELETE CASCADE,
        number integer NOT NULL CHECK (number > 0),
        organization_id uuid NOT NULL,
        text text NOT NULL CHECK (octet_length(text) <= 65536),
        created_at timestamptz NOT NULL,
        created_by uuid NOT NULL,
        PRIMARY KEY (source_id, number)
    )""",
    # A message as it came. Its id is kept longer than anybody retries, its body until a month after it was settled.
    "inbound_receipt": """CREATE TABLE inbound_receipt (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        source_id uuid NOT NULL,
        message_id text NOT NULL CHECK (length(message_id) <= 256),
        digest bytea NOT NULL CHECK (length(digest) = 32),
        body bytea,
        sent_at timestamptz,
        received_at timestamptz NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'applied', 'failed')),
        reason text,
        faults jsonb NOT NULL DEFAULT '[]',
        -- The mapping by which its items were read.
        mapping integer,
        -- From when its patience is counted: when it came, or was last asked to be tried again.
        tried_since timestamptz NOT NULL,
        tries integer NOT NULL DEFAULT 0,
        settled_at timestamptz,
        UNIQUE (source_id, message_id),
        CHECK ((state = 'waiting') = (settled_at IS NULL)),
        CHECK (state <> 'failed' OR reason IS NOT NULL)
    )""",
    "inbound_item": """CREATE TABLE inbound_item (
        receipt_id uuid NOT NULL REFERENCES inbound_receipt ON DELETE CASCADE,
        position integer NOT NULL CHECK (position >= 0),
        organization_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('contact', 'tags', 'consent', 'order', 'refund')),
        external_id text NOT NULL,
        item_version bigint NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'applied', 'repeated', 'stale', 'failed')),
        reason text,
        settled_at timestamptz,
        PRIMARY KEY (receipt_id, position),
        CHECK ((state = 'waiting') = (settled_at IS NULL)),
        CHECK (state <> 'failed' OR reason IS NOT NULL)
    )""",
    # The newest version of each thing that a partner told and members took.
    "inbound_applied": """CREATE TABLE inbound_applied (
        client_id uuid NOT NULL,
        kind text NOT NULL,
        key text NOT NULL,
        organization_id uuid NOT NULL,
        item_version bigint NOT NULL,
        PRIMARY KEY (client_id, kind, key)
    )""",
    "partner_order": """CREATE TABLE partner_order (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        client_id uuid NOT NULL,
        source text NOT NULL,
        external_id text NOT NULL,
        -- The partner's version of it; ours is `version`.
        order_version bigint NOT NULL,
        contact text,
        account_id uuid,
        community_id uuid,
        post_id uuid,
        placed_at timestamptz NOT NULL,
        currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
        refunded_fen bigint NOT NULL CHECK (refunded_fen BETWEEN 0 AND amount_fen),
        cancelled boolean NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version bigint NOT NULL CHECK (version > 0),
        UNIQUE (client_id, source, external_id)
    )""",
    # Without a reference to its order, which may come later.
    "partner_refund": """CREATE TABLE partner_refund (
        client_id uuid NOT NULL,
        source text NOT NULL,
        order_external_id text NOT NULL,
        external_id text NOT NULL,
        organization_id uuid NOT NULL,
        refund_version bigint NOT NULL,
        amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
        currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        refunded_at timestamptz NOT NULL,
        PRIMARY KEY (client_id, source, order_external_id, external_id)
    )""",
    # Whom a partner's contacts are, as members said when they took them.
    "partner_contact": """CREATE TABLE partner_contact (
        client_id uuid NOT NULL,
        external_id text NOT NULL,
        organization_id uuid NOT NULL,
        account_id uuid NOT NULL,
        PRIMARY KEY (client_id, external_id)
    )""",
    # Accounts that became part of another, or were erased and became nobody: an answer of members may name one that has gone meanwhile.
    "partner_gone": """CREATE TABLE partner_gone (
        account_id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        survivor_id uuid
    )""",
}
# Which receipts are to be applied, and which process has one in hand. It holds nothing else, for the worker sees every tenant's here.
# A lease is about which process lives, so its times are the database's.
QUEUE = """CREATE TABLE inbound_queue (
        receipt_id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        due_at timestamptz NOT NULL,
        holder uuid,
        held_until timestamptz
    )"""
INDEXES = [
    "CREATE INDEX source_list ON source (organization_id, id) WHERE deleted_at IS NULL",
    "CREATE INDEX source_key_source ON source_key (source_id)",
    "CREATE INDEX inbound_receipt_list ON inbound_receipt (source_id, id)",
    "CREATE INDEX inbound_receipt_bodies ON inbound_receipt (organization_id, settled_at) WHERE body IS NOT NULL",
    "CREATE INDEX inbound_receipt_age ON inbound_receipt (organization_id, received_at)",
    "CREATE INDEX inbound_queue_due ON inbound_queue (due_at)",
    "CREATE INDEX partner_order_list ON partner_order (organization_id, id)",
    "CREATE INDEX partner_order_contact ON partner_order (client_id, contact)",
    "CREATE INDEX partner_order_account ON partner_order (account_id)",
    "CREATE INDEX partner_contact_account ON partner_contact (account_id)",
    "CREATE INDEX partner_gone_survivor ON partner_gone (survivor_id)",
]
SOURCE = """CREATE FUNCTION inbound_source(wanted uuid) RETURNS json
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT json_build_object('organization_id', organization_id, 'verification', verification, 'keys', (
        SELECT coalesce(json_agg(json_build_object('id', source_key.id, 'sealed', encode(sealed, 'hex'), 'expires_at', expires_at)
            ORDER BY created_at DESC), '[]')
        FROM source_key WHERE source_id = wanted))
    FROM source
    WHERE id = wanted AND open AND deleted_at IS NULL
        AND NOT EXISTS (SELECT FROM partner WHERE partner.client_id = source.client_id AND NOT active) $$"""


def upgrade() -> None:
    for table, definition in TABLES.items():
        run([definition, *tenant_table(table, roles())])
    run([QUEUE, *tenant_table("inbound_queue", roles(), queue=True)])
    run(INDEXES)
    run(
        [
            SOURCE,
            "REVOKE ALL ON FUNCTION inbound_source(uuid) FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION inbound_source(uuid) TO {roles().application}",
        ]
    )
