"""Since when an event waits for its deliveries to be written, in the whole installation.

SECURITY DEFINER function (it reads across tenants, and returns one time and nothing else): webhook_spreading_since, for the worker.
"""

from __future__ import annotations

from chassis.migrations import roles, run

revision = "0013"
down_revision = "0012"

SPREADING_SINCE = """CREATE FUNCTION webhook_spreading_since() RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$ SELECT min(created_at) FROM spread $$"""


def upgrade() -> None:
    run(
        [
            SPREADING_SINCE,
            "REVOKE ALL ON FUNCTION webhook_spreading_since() FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION webhook_spreading_since() TO {roles().worker}",
        ]
    )
