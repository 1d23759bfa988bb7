"""What each process of the local stack is told: only its own secrets, and external servers where the caller names them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chassis.embedded.nats import Nats
from chassis.embedded.ports import HOST
from chassis.embedded.postgres import Postgres
from hearth.stack_folder import GATEWAY, PROCESSES, SERVICES, Folder, StackError, roles_of

STACK_VARIABLE: Final = "HEARTH_STACK"
PROCESS_VARIABLE: Final = "HEARTH_PROCESS"
_DATABASE_KINDS: Final = ("OWNER_DATABASE_URL", "DATABASE_URL", "WORKER_DATABASE_URL")


@dataclass(frozen=True)
class External:
    """Servers that take the place of the embedded ones."""

    databases: Mapping[str, Mapping[str, str]]
    nats_url: str | None

    @property
    def needs_postgres(self) -> bool:
        """Whether some process has no database elsewhere."""
        return len(self.databases) < len(PROCESSES)


def external_servers(environ: Mapping[str, str]) -> External:
    """Read them from the environment. Raises StackError when a process's three URLs are not all there."""
    databases = {}
    for process in PROCESSES:
        names = [f"HEARTH_{process.upper()}_{kind}" for kind in _DATABASE_KINDS]
        found = {name: environ[name] for name in names if environ.get(name)}
        missing = [name for name in names if name not in found]
        if found and missing:
            raise StackError(f"{', '.join(found)} is set: set {' and '.join(missing)} too")
        if found:
            databases[process] = found
    return External(databases, environ.get("HEARTH_NATS_URL") or None)


@dataclass(frozen=True)
class Environments:
    """Makes the environment of each process."""

    folder: Folder
    secrets: Mapping[str, str]
    ports: Mapping[str, int]
    external: External
    postgres: Postgres | None
    nats: Nats | None
    inherited: Mapping[str, str]

    def url(self, process: str) -> str:
        """Return a process's public address."""
        return f"http://{HOST}:{self.ports[process]}"

    def internal_url(self, process: str) -> str:
        """Return a process's internal address."""
        return f"http://{HOST}:{self.ports[f'{process}.internal']}"

    def of(self, process: str) -> dict[str, str]:
        """Return what a serving process is told."""
        environment = self._common(process) | {
            "HEARTH_PORT": str(self.ports[process]),
            "HEARTH_INTERNAL_PORT": str(self.ports[f"{process}.internal"]),
            "HEARTH_NATS_URL": self._nats_url(process),
            "HEARTH_OPS_TOKEN": self.secrets["ops_token"],
            "HEARTH_CURSOR_SECRET": self.secrets["cursor_secret"],
        }
        if process in {GATEWAY, "members"}:
            environment["HEARTH_DELEGATION_SECRET"] = self.secrets["delegation_secret"]
        databases = self._databases(process)
        del databases[f"HEARTH_{process.upper()}_OWNER_DATABASE_URL"]
        environment |= databases
        if process == GATEWAY:
            return environment | self._of_gateway()
        environment["HEARTH_JWKS_URL"] = f"{self.url(GATEWAY)}/.well-known/jwks.json"
        if process == "members":
            environment["HEARTH_MEMBERS_KEY_SECRET"] = self.secrets["members_key_secret"]
        if process == "content":
            environment["HEARTH_CONTENT_MEDIA_SECRET"] = self.secrets["content_media_secret"]
            environment["HEARTH_CONTENT_PUBLICATION_SECRET"] = self.secrets["content_publication_secret"]
            environment.setdefault("HEARTH_CONTENT_MEDIA_DIRECTORY", str(self.folder.root / "media"))
        return environment

    def _of_gateway(self) -> dict[str, str]:
        addresses = {f"HEARTH_{service.upper()}_URL": self.url(service) for service in SERVICES}
        return addresses | {
            "HEARTH_JWKS_URL": f"{self.url('members')}/.well-known/jwks.json",
            "HEARTH_GATEWAY_VAULT_SECRET": self.secrets["gateway_vault_secret"],
            # So that a partner's program can be tried on the same machine.
            "HEARTH_GATEWAY_ALLOWED_NETWORKS": self.inherited.get(
                "HEARTH_GATEWAY_ALLOWED_NETWORKS", "127.0.0.0/8,::1/128"
            ),
        }

    def of_migration(self, service: str) -> dict[str, str]:
        """Return what a service's `migrate` is told: the owner's URL, and the others for the names of their roles."""
        return self._common(service) | self._databases(service)

    def _common(self, process: str) -> dict[str, str]:
        kept = {name: value for name, value in self.inherited.items() if not _private(name)}
        return {"HEARTH_ENV": "development", **kept} | {
            "HEARTH_HOST": HOST,
            STACK_VARIABLE: str(self.folder.root),
            PROCESS_VARIABLE: process,
            "PYTHONUNBUFFERED": "1",
            "PYTHONSAFEPATH": "1",  # no module of the working folder takes the place of ours
        }

    def _databases(self, service: str) -> dict[str, str]:
        if service in self.external.databases:
            return dict(self.external.databases[service])
        if self.postgres is None:
            raise StackError(f"{service} has no database")
        return {
            f"HEARTH_{service.upper()}_{kind}": self.postgres.dsn(f"hearth_{service}", role, self.secrets[role])
            for kind, role in zip(_DATABASE_KINDS, roles_of(service), strict=True)
        }

    def _nats_url(self, process: str) -> str:
        if self.external.nats_url is not None:
            return self.external.nats_url
        if self.nats is None:
            raise StackError("there is no NATS")
        return self.nats.url(process)


def _private(name: str) -> bool:
    """Whether a variable of the caller's is kept from the processes: others' secrets, and what would change Python."""
    if name.startswith("PYTHON"):
        return name != "PYTHONPATH"
    return name.startswith("HEARTH_") and name.endswith(("_DATABASE_URL", "_SECRET", "_TOKEN", "_URLS", "_DATA"))


def command(process: str) -> list[str]:
    """Return the command of a serving process."""
    return [sys.executable, "-m", process, "all"]


def port_names() -> list[str]:
    """Return the names of the ports that a stack keeps; the gateway's public one is the caller's choice."""
    return ["nats", *SERVICES, *(f"{process}.internal" for process in PROCESSES)]


def nats_users(secrets: Mapping[str, str]) -> dict[str, str]:
    """Return one NATS user per process."""
    return {process: secrets[f"nats_{process}"] for process in PROCESSES}


def prepare_databases(postgres: Postgres, secrets: Mapping[str, str], external: External) -> None:
    """Make roles and databases of the services that live in the embedded server; each closed to the other services."""
    for service in PROCESSES:
        if service in external.databases:
            continue
        owner, application, worker = roles_of(service)
        for role in (owner, application, worker):
            postgres.ensure_role(role, secrets[role])
        postgres.ensure_database(f"hearth_{service}", owner, connect=[application, worker])
