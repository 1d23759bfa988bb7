"""One real stack for the tests of this folder, with its databases laid open."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import asyncpg
from tests.stack_fixture import DRAIN_SECONDS, SERVICES, LiveStack, until

from chassis.embedded.postgres import Postgres
from hearth.stack_folder import roles_of

# So that nobody waits for an allowance: the limits have tests of their own.
UNLIMITED = {
    f"HEARTH_{kind}_{what}": "1000000"
    for kind in ("ANONYMOUS", "AUTHENTICATED", "CREDENTIALS")
    for what in ("RATE", "BURST")
}
# Passwords are hashed by the dozen here, and prove nothing.
CHEAP = {"HEARTH_MEMBERS_ARGON2_TIME_COST": "1", "HEARTH_MEMBERS_ARGON2_MEMORY_KIB": "64"}
# These change by themselves: scheduled chores, counted wrong passwords, counted looks at doors, what pieces are worth.
RESTLESS = {
    *("due_work", "login_limit", "entry_link_opens", "alembic_version"),
    # That a program called is noted, whatever it is answered.
    "client_call",
    # Worth is worked out from what was touched, minutes later.
    *("worth", "worth_touch", "worth_active_day", "worth_outsider", "worth_return"),
}
# The relay marks what it has published; whether an event is there is what counts.
KEY_ONLY = {"outbox": "event_id"}

_UNDER_WAY = """
SELECT (SELECT count(*) FROM segment_dirty) + (SELECT count(*) FROM tier_dirty)
     + (SELECT count(*) FROM due_work WHERE due_at <= now()) AS rows
"""
_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""
_TENANT_COLUMN = """
SELECT relname, CASE WHEN relname = 'organization' THEN 'id' ELSE 'organization_id' END FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid AND attname = CASE WHEN relname = 'organization' THEN 'id' ELSE 'organization_id' END
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""


class RealStack(LiveStack):
    """A live stack that limits nobody and hashes cheaply."""

    def begin(self) -> None:
        """Bring it up."""
        self.start(**UNLIMITED, **CHEAP, HEARTH_LOG_LEVEL="WARNING")

    def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Wait until every event has taken effect, and what is worked out in the background has been."""
        while True:
            super().drain(seconds)
            if not self.sql("members", _UNDER_WAY)[0]["rows"]:
                return
            until(lambda: not self.sql("members", _UNDER_WAY)[0]["rows"], "segments and tiers are worked out", seconds)

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Passwords and keys of the processes by name."""
        found: dict[str, str] = json.loads((self.data / "secrets.json").read_text())
        return found

    @property
    def processes(self) -> dict[str, dict[str, Any]]:
        """The processes with their addresses."""
        found: dict[str, dict[str, Any]] = self.state()["processes"]
        return found

    def database(self, service: str, role: str = "owner") -> str:
        """The URL of a service's database for its owner, application or worker role."""
        name = dict(zip(("owner", "application", "worker"), roles_of(service), strict=True))[role]
        return Postgres(self.data / "postgres").dsn(f"hearth_{service}", name, self.secrets[name])

    async def contents(self, organization_id: str | None = None) -> dict[str, tuple[int, str]]:
        """How many rows each table of each database has, and their digest; of one tenant where one is named."""
        found = {}
        for service in SERVICES:
            connection = await asyncpg.connect(self.database(service))
            try:
                tenant_columns = {row[0]: row[1] for row in await connection.fetch(_TENANT_COLUMN)}
                tables = {row["relname"] for row in await connection.fetch(_TABLES)} - RESTLESS
                if organization_id is not None:
                    tables &= tenant_columns.keys()
                parts = []
                for table in sorted(tables):
                    row = f"{KEY_ONLY[table]}::text" if table in KEY_ONLY else f"{table}::text"
                    where = f"WHERE {tenant_columns[table]} = '{organization_id}'" if organization_id else ""
                    parts.append(
                        f"SELECT '{table}', count(*), md5(coalesce(string_agg(md5({row}), '' ORDER BY md5({row})), '')) "
                        f"FROM {table} {where}"
                    )
                for name, count, digest in await connection.fetch(" UNION ALL ".join(parts)):
                    found[f"{service}.{name}"] = (count, digest)
            finally:
                await connection.close()
        return found
