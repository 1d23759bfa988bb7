"""The chassis's own tables, and row-level security for every tenant table: SQL for migrations."""

from __future__ import annotations

from dataclasses import dataclass

WORKER_TABLES = ("outbox", "inbox", "projection_position", "handler_attempt", "dead_letter", "due_work")
"""The only tables in which the worker role sees every tenant."""


@dataclass(frozen=True)
class Roles:
    """The three database roles of a service."""

    owner: str
    application: str
    worker: str


def tenant_table(table: str, roles: Roles, *, column: str = "organization_id", queue: bool = False) -> list[str]:
    """Return the SQL that isolates a table's tenants and lets the service use it.

    The tenant is read in a subselect, so that it is evaluated once per statement and never while planning.
    Without a tenant the setting is missing or empty, and the cast to uuid fails: an error, not everything.
    A `queue` is one more table in which the worker sees every tenant: it says what is due and holds nothing else.
    """
    tenant = f"{column} = (SELECT current_setting('hearth.organization_id')::uuid)"
    across = queue or table in WORKER_TABLES
    scope = roles.application if across else f"{roles.application}, {roles.worker}"
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY owner ON {table} TO {roles.owner} USING (true) WITH CHECK (true)",
        f"CREATE POLICY tenant ON {table} TO {scope} USING ({tenant}) WITH CHECK ({tenant})",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {roles.application}, {roles.worker}",
    ]
    if across:
        statements.append(f"CREATE POLICY worker ON {table} TO {roles.worker} USING (true) WITH CHECK (true)")
    return statements


def chassis_tables(roles: Roles) -> list[str]:
    """Return the SQL of the first version of the chassis's tables."""
    statements = [
        f"GRANT USAGE ON SCHEMA public TO {roles.application}, {roles.worker}",
        """CREATE TABLE outbox (
            event_id uuid NOT NULL,
            recorded_at timestamptz NOT NULL,
            organization_id uuid NOT NULL,
            aggregate_type text NOT NULL,
            aggregate_id uuid NOT NULL,
            version bigint NOT NULL CHECK (version > 0),
            type text NOT NULL,
            subject text NOT NULL,
            payload text NOT NULL,
            traceparent text,
            published_at timestamptz,
            PRIMARY KEY (event_id, recorded_at)
        ) PARTITION BY RANGE (recorded_at)""",
        "CREATE INDEX outbox_unpublished ON outbox (recorded_at, aggregate_id) WHERE published_at IS NULL",
        "CREATE INDEX outbox_unpublished_aggregate ON outbox (aggregate_id, version) WHERE published_at IS NULL",
        "CREATE INDEX outbox_log ON outbox (recorded_at, event_id)",
        "CREATE TABLE outbox_default PARTITION OF outbox DEFAULT",
        # The worker owns no table, so a function of the owner makes the partition of a month: the month's rows that fell into the
        # default partition move along, in the same transaction.
        """CREATE FUNCTION outbox_partition(month date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            first date := date_trunc('month', month)::date;
            next date := (date_trunc('month', month) + interval '1 month')::date;
            name text := 'outbox_' || to_char(first, 'YYYY_MM');
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext('outbox_partition'));
            IF to_regclass(name) IS NOT NULL THEN RETURN false; END IF;
            EXECUTE format('CREATE TABLE %I (LIKE outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
            EXECUTE format('WITH moved AS (DELETE FROM outbox_default WHERE recorded_at >= %L::timestamp AT TIME ZONE ''UTC'' '
                'AND recorded_at < %L::timestamp AT TIME ZONE ''UTC'' RETURNING *) INSERT INTO %I SELECT * FROM moved', first, next, name);
            EXECUTE format('ALTER TABLE outbox ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                name, first || ' 00:00+00', next || ' 00:00+00');
            RETURN true;
        END $$""",
        "REVOKE ALL ON FUNCTION outbox_partition(date) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION outbox_partition(date) TO {roles.worker}",
        """CREATE TABLE inbox (
            consumer text NOT NULL,
            event_id uuid NOT NULL,
            organization_id uuid NOT NULL,
            received_at timestamptz NOT NULL,
            PRIMARY KEY (consumer, event_id)
        )""",
        """CREATE TABLE projection_position (
            consumer text NOT NULL,
            aggregate_id uuid NOT NULL,
            aggregate_type text NOT NULL,
            organization_id uuid NOT NULL,
            version bigint NOT NULL,
            PRIMARY KEY (consumer, aggregate_id, aggregate_type)
        )""",
        """CREATE TABLE handler_attempt (
            consumer text NOT NULL,
            event_id uuid NOT NULL,
            organization_id uuid NOT NULL,
            attempts integer NOT NULL CHECK (attempts > 0),
            error text NOT NULL,
            PRIMARY KEY (consumer, event_id)
        )""",
        """CREATE TABLE dead_letter (
            id uuid PRIMARY KEY,
            consumer text NOT NULL,
            event_id uuid,
            organization_id uuid NOT NULL,
            stream text NOT NULL,
            subject text NOT NULL,
            type text NOT NULL,
            payload text NOT NULL,
            error text NOT NULL,
            attempts integer NOT NULL,
            created_at timestamptz NOT NULL,
            UNIQUE (consumer, event_id)
        )""",
        """CREATE TABLE due_work (
            organization_id uuid NOT NULL,
            kind text NOT NULL,
            key text NOT NULL,
            due_at timestamptz NOT NULL,
            payload jsonb NOT NULL DEFAULT '{}',
            attempts integer NOT NULL DEFAULT 0,
            error text,
            PRIMARY KEY (organization_id, kind, key)
        )""",
        "CREATE INDEX due_work_due ON due_work (due_at)",
        """CREATE TABLE idempotency (
            organization_id uuid NOT NULL,
            caller text NOT NULL,
            key text NOT NULL,
            fingerprint bytea NOT NULL,
            status integer NOT NULL,
            headers jsonb NOT NULL,
            body bytea NOT NULL,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (organization_id, caller, key)
        )""",
        "CREATE INDEX idempotency_age ON idempotency (organization_id, created_at)",
    ]
    for table in (*WORKER_TABLES, "idempotency"):
        statements += tenant_table(table, roles)
    return statements


def standing_tables(roles: Roles) -> list[str]:
    """Return the SQL of the projection from which a service that is not members authorises."""
    statements = [
        """CREATE TABLE standing_community (
            community_id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            slug text NOT NULL,
            zone text NOT NULL,
            state text NOT NULL
        )""",
        """CREATE TABLE standing_member (
            community_id uuid NOT NULL,
            account_id uuid NOT NULL,
            organization_id uuid NOT NULL,
            membership_id uuid NOT NULL,
            state text NOT NULL,
            roles text[] NOT NULL,
            staff boolean NOT NULL,
            bot boolean NOT NULL,
            joined_at timestamptz,
            PRIMARY KEY (community_id, account_id)
        )""",
    ]
    for table in ("standing_community", "standing_member"):
        statements += tenant_table(table, roles)
    return statements
