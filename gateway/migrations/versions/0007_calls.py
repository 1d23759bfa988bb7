"""What API clients asked of the API."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0007"
down_revision = "0006"

# Each row is completed once, soon after it was written: the room beside it lets that stay on its page.
CLIENT_CALL = """CREATE TABLE client_call (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    client_id uuid NOT NULL,
    at timestamptz NOT NULL,
    method text NOT NULL,
    route text NOT NULL,
    path text NOT NULL CHECK (length(path) <= 500),
    address text NOT NULL CHECK (length(address) <= 64),
    trace_id text NOT NULL,
    delegated boolean NOT NULL,
    status integer,
    milliseconds integer,
    CHECK ((status IS NULL) = (milliseconds IS NULL))
) WITH (fillfactor = 85)"""
INDEXES = [
    "CREATE INDEX client_call_list ON client_call (client_id, at DESC, id DESC)",
    "CREATE INDEX client_call_age ON client_call (organization_id, at)",
]


def upgrade() -> None:
    run([CLIENT_CALL, *tenant_table("client_call", roles()), *INDEXES])
