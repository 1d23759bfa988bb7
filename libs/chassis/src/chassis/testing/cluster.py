"""One PostgreSQL and one nats-server for a test run, and a fresh database for each module that wants one."""

from __future__ import annotations

import itertools
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from chassis import migrations
from chassis.embedded.nats import Nats
from chassis.embedded.postgres import Postgres
from chassis.schema import Roles

PASSWORD = "test"  # noqa: S105  throw-away servers behind a private socket
# A test run need not survive a power cut.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "300",
}
USERS = ("members", "content", "engagement", "gateway", "sample")


@dataclass(frozen=True)
class Database:
    """The three URLs of one service's database, and the superuser's."""

    name: str
    owner: str
    application: str
    worker: str
    superuser: str


class Cluster:
    """The servers of a test run. Start it once; clone databases as often as wanted (some 50 ms each)."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hearth-test-"))
        self.postgres = Postgres(self.folder / "postgres", options=FAST, die_with_parent=True)
        self.nats = Nats(
            self.folder / "nats",
            users={user: secrets.token_hex(8) for user in USERS},
            sync_always=False,
            die_with_parent=True,
        )
        self._templates: dict[Path, str] = {}
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Start both servers."""
        self.postgres.start()
        self.nats.start()

    def remove(self) -> None:
        """Stop both and delete what they have."""
        self.nats.remove()
        self.postgres.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def roles(self, service: str) -> Roles:
        """Return a service's roles, made when missing."""
        roles = Roles(f"{service}_owner", f"{service}_app", f"{service}_worker")
        for role in (roles.owner, roles.application, roles.worker):
            self.postgres.ensure_role(role, PASSWORD)
        return roles

    def empty(self, service: str) -> Database:
        """Return a database without any table."""
        roles = self.roles(service)
        name = f"{service}_{next(self._numbers)}"
        self.postgres.ensure_database(name, roles.owner)
        return self._database(name, roles)

    async def fresh(self, service: str, folder: Path) -> Database:
        """Return a migrated database of its own: a clone of one that was migrated once."""
        roles = self.roles(service)
        if folder not in self._templates:
            template = self.empty(service)
            await migrations.upgrade(template.owner, folder, roles)
            self._templates[folder] = template.name
        name = f"{service}_{next(self._numbers)}"
        self.postgres.ensure_database(name, roles.owner, self._templates[folder])
        return self._database(name, roles)

    def drop(self, database: Database) -> None:
        """Drop a database with its connections."""
        self.postgres.drop_database(database.name)

    def _database(self, name: str, roles: Roles) -> Database:
        return Database(
            name,
            self.postgres.dsn(name, roles.owner, PASSWORD),
            self.postgres.dsn(name, roles.application, PASSWORD),
            self.postgres.dsn(name, roles.worker, PASSWORD),
            self.postgres.dsn(name),
        )
