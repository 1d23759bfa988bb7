"""One real stack for the tests of this folder: `hearth up` with all services, its addresses, secrets and databases."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from chassis.embedded.postgres import Postgres
from chassis.embedded.process import wait_until
from hearth.stack_folder import roles_of

SERVICES = ("members", "content", "engagement")
# So that nobody waits for an allowance: the limits have tests of their own.
UNLIMITED = {
    f"HEARTH_{kind}_{what}": "1000000"
    for kind in ("ANONYMOUS", "AUTHENTICATED", "CREDENTIALS")
    for what in ("RATE", "BURST")
}
# Passwords are hashed by the dozen here, and prove nothing.
CHEAP = {"HEARTH_MEMBERS_ARGON2_TIME_COST": "1", "HEARTH_MEMBERS_ARGON2_MEMORY_KIB": "64"}
# These change by themselves: scheduled chores, counted wrong passwords.
RESTLESS = {"due_work", "login_limit", "alembic_version"}
# The relay marks what it has published; whether an event is there is what counts.
KEY_ONLY = {"outbox": "event_id"}

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""
_TENANT_COLUMN = """
SELECT relname, CASE WHEN relname = 'organization' THEN 'id' ELSE 'organization_id' END FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid AND attname = CASE WHEN relname = 'organization' THEN 'id' ELSE 'organization_id' END
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""


class RealStack:
    """A folder in which `hearth up` runs until `stop`."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="hearth-api-"))
        self.home.chmod(0o755)
        self.data = self.home / "data"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEARTH_")}
        self._environment = {**kept, **UNLIMITED, **CHEAP, "HEARTH_LOG_LEVEL": "WARNING"}

    def start(self) -> None:
        """Return when everything is ready."""
        done = self._hearth("up", "--data", str(self.data), "--port", "0", "--detach")
        if done.returncode:
            raise RuntimeError(f"the stack did not start: {done.stdout}\n{done.stderr}")
        self.base_url: str = self._read("credentials.json")["base_url"]
        self.secrets: dict[str, str] = self._read("secrets.json")
        self.processes: dict[str, dict[str, Any]] = self._read("run/state.json")["processes"]

    def stop(self) -> None:
        """Stop everything and delete it."""
        self._hearth("down", "--data", str(self.data))
        Postgres(self.data / "postgres").remove()
        shutil.rmtree(self.home, ignore_errors=True)

    def _hearth(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hearth.main", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def _read(self, name: str) -> Any:
        return json.loads((self.data / name).read_text())

    def log(self, process: str) -> str:
        """A process's log so far."""
        return (self.data / f"logs/{process}.log").read_text()

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

    def settle(self) -> None:
        """Return when every event has been published and has taken effect everywhere."""
        with httpx.Client(
            trust_env=False, verify=False, headers={"Authorization": f"Bearer {self.secrets['ops_token']}"}
        ) as ops:

            def settled() -> bool:
                for service in SERVICES:
                    address = self.processes[service]["internal_url"]
                    if ops.get(f"{address}/ops/outbox").json()["unpublished"]:
                        return False
                    consumers = ops.get(f"{address}/ops/consumers").json()["data"]
                    if any(one["pending"] != 0 or one["ack_pending"] != 0 for one in consumers):
                        return False
                return True

            assert wait_until(settled, 60, every=0.05), "events do not come to rest"
