"""What tells many endpoints at once, or one endpoint again; and what the deliveries of an event are found by."""

from __future__ import annotations

from chassis.migrations import roles, run
from chassis.schema import tenant_table

revision = "0005"
down_revision = "0004"

TABLES = {
    # Messages for so many endpoints that they are not all written with the event: a tenant's are spread one after another.
    "spread": """CREATE TABLE spread (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        organization_id uuid NOT NULL,
        event_ids uuid[] NOT NULL,
        -- For each event: the only partner that may get it, the endpoint that it tells of.
        client_ids uuid[] NOT NULL,
        about_ids uuid[] NOT NULL,
        created_at timestamptz NOT NULL,
        -- The last endpoint that was looked at.
        reached uuid,
        CHECK (cardinality(event_ids) = cardinality(client_ids) AND cardinality(event_ids) = cardinality(about_ids))
    )""",
    # What somebody asked to be told again, and how far it is.
    "replay": """CREATE TABLE replay (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        endpoint_id uuid NOT NULL,
        event_id uuid,
        since timestamptz,
        until timestamptz,
        only_undelivered boolean NOT NULL,
        -- The last delivery that was looked at, and how many go out again.
        reached uuid,
        replayed bigint NOT NULL DEFAULT 0,
        withheld bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        created_by uuid NOT NULL,
        finished_at timestamptz,
        CHECK ((event_id IS NULL) = (since IS NOT NULL)),
        CHECK ((since IS NULL) = (until IS NULL))
    )""",
}
INDEXES = [
    "CREATE INDEX spread_order ON spread (organization_id, id)",
    "CREATE INDEX replay_endpoint ON replay (endpoint_id, id)",
    # What is too old goes with its message.
    "CREATE INDEX delivery_event ON delivery (event_id)",
]


def upgrade() -> None:
    for table, definition in TABLES.items():
        run([definition, *tenant_table(table, roles())])
    run(INDEXES)
