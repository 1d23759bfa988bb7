"""Forward-only migrations by alembic, run with the owner's URL; every service keeps its own in `migrations/versions`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from alembic import op
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from chassis.db import make_engine
from chassis.schema import Roles


def roles_of(owner_url: str, application_url: str, worker_url: str) -> Roles:
    """Read the role names from the URLs' users. Raises ValueError unless there are three distinct plain names."""
    names = [unquote(urlsplit(url).username or "") for url in (owner_url, application_url, worker_url)]
    if len(set(names)) != len(names) or not all(name.isidentifier() and name == name.lower() for name in names):
        raise ValueError("owner, application and worker URLs need three distinct users with plain lower-case names")
    return Roles(*names)


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config


async def upgrade(owner_url: str, folder: Path, roles: Roles, *, revision: str = "head") -> list[str]:
    """Bring the database to `revision`, all in one transaction; return the revisions that were applied, oldest first.

    Replicas that start together wait for one another.
    """
    config = _config(folder)
    script = ScriptDirectory.from_config(config)
    engine = make_engine(owner_url, connections=0, statement_timeout=None)

    def run(connection: Connection) -> list[str]:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('hearth migrations'))"))
        context = MigrationContext.configure(connection, opts={"script": script, "as_sql": False})
        applied = []
        current = context.get_current_heads()
        context._ensure_version_table()  # noqa: SLF001  alembic makes its table only inside its own runner
        with Operations.context(context):
            for step in reversed(list(script.iterate_revisions(revision, current or "base"))):
                _CURRENT_ROLES.append(roles)
                try:
                    step.module.upgrade()
                finally:
                    _CURRENT_ROLES.pop()
                connection.execute(text("DELETE FROM alembic_version"))
                connection.execute(
                    text("INSERT INTO alembic_version (version_num) VALUES (:revision)"), {"revision": step.revision}
                )
                applied.append(step.revision)
        return applied

    try:
        async with engine.begin() as connection:
            return await connection.run_sync(run)
    finally:
        await engine.dispose()


_CURRENT_ROLES: list[Roles] = []


def roles() -> Roles:
    """Return the roles to grant to, inside a migration."""
    return _CURRENT_ROLES[-1]


def run(statements: Iterable[str]) -> None:
    """Execute statements inside a migration."""
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


def heads(folder: Path) -> list[str]:
    """Return the newest revisions of a folder; one, unless two changes forked."""
    return list(ScriptDirectory.from_config(_config(folder)).get_heads())
