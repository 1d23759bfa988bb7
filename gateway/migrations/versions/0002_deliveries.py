"""What endpoints are told: messages, deliveries, attempts, and the lanes in which they go out."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0002"
down_revision = "0001"

TABLES = {
    # An event as partners get it, kept once however many endpoints asked for it.
    "message": """CREATE TABLE message (
        event_id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        type text NOT NULL,
        community_id uuid,
        occurred_at timestamptz NOT NULL,
        -- The body as it is sent and signed.
        payload text NOT NULL CHECK (octet_length(payload) <= 20000),
        -- Whom it names; partners that need consent are told only when all of them agreed.
        persons uuid[] NOT NULL,
        -- Whether it is about people though it may name none.
        personal boolean NOT NULL,
        created_at timestamptz NOT NULL
    )""",
    # One message to one endpoint. due_at is when it may go out next, none once it is settled.
    "delivery": """CREATE TABLE delivery (
        endpoint_id uuid NOT NULL,
        event_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        type text NOT NULL,
        state text NOT NULL CHECK (state IN ('pending', 'delivered', 'undelivered')),
        reason text CHECK (reason IN ('exhausted', 'expired', 'consent_missing', 'endpoint_deleted')),
        -- All attempts ever, and those of this round of the schedule: a replay begins another.
        attempts integer NOT NULL DEFAULT 0,
        tries integer NOT NULL DEFAULT 0,
        replayed boolean NOT NULL DEFAULT false,
        due_at timestamptz,
        created_at timestamptz NOT NULL,
        settled_at timestamptz,
        last_status integer,
        last_error text,
        PRIMARY KEY (endpoint_id, event_id),
        CHECK ((state = 'pending') = (due_at IS NOT NULL)),
        CHECK ((state = 'undelivered') = (reason IS NOT NULL))
    )""",
    "attempt": """CREATE TABLE attempt (
        endpoint_id uuid NOT NULL,
        event_id uuid NOT NULL,
        number integer NOT NULL CHECK (number > 0),
        organization_id uuid NOT NULL,
        replayed boolean NOT NULL,
        started_at timestamptz NOT NULL,
        milliseconds integer NOT NULL,
        url text NOT NULL,
        address text,
        request_headers jsonb NOT NULL,
        status integer,
        error text,
        response_headers jsonb,
        response_body text,
        PRIMARY KEY (endpoint_id, event_id, number),
        CHECK ((status IS NULL) = (error IS NOT NULL))
    )""",
}
# The queue of the dispatcher: which endpoint has something due, and which process has it in hand. It holds nothing else, for the
# worker sees every tenant's here, as it does with due work. A lease is about which process lives, so its times are the database's.
LANE = """CREATE TABLE lane (
        endpoint_id uuid PRIMARY KEY REFERENCES endpoint ON DELETE CASCADE,
        organization_id uuid NOT NULL,
        -- When it is to be looked at, none while nothing is due that its holder has not seen, or the endpoint is disabled.
        due_at timestamptz,
        -- Until when the endpoint asked for quiet, or for FIFO until when its first delivery waits: nothing wakes it before.
        not_before timestamptz,
        -- Its endpoint failed last: it may take only a part of what a process has under way.
        ailing boolean NOT NULL DEFAULT false,
        -- How long the last pause was that the endpoint asked for, in seconds; what it grows from.
        pause_seconds double precision NOT NULL DEFAULT 0,
        holder uuid,
        held_until timestamptz
    )"""
INDEXES = [
    "CREATE INDEX message_age ON message (organization_id, created_at)",
    # In hand: what of an endpoint is due. FIFO goes by the same order, for there a delivery keeps its due_at until it is settled.
    "CREATE INDEX delivery_due ON delivery (endpoint_id, due_at, event_id) WHERE due_at IS NOT NULL",
    "CREATE INDEX lane_due ON lane (ailing, due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX lane_held ON lane (held_until) WHERE holder IS NOT NULL",
]


def upgrade() -> None:
    for table, definition in TABLES.items():
        run([definition, *tenant_table(table, roles())])
    run([LANE, *tenant_table("lane", roles(), queue=True)])
    run(INDEXES)
