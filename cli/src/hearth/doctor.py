"""`hearth doctor`: what is well and what is not, on this machine and at every process's internal port."""

from __future__ import annotations

import math
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import httpx
import typer
from rich.markup import escape
from rich.table import Table

from chassis import clock
from chassis.embedded.process import alive
from hearth.client import DEFAULT_DATA, ClientError, DataOption
from hearth.internal import Deployment, Operator, find_deployment
from hearth.operations import JsonOption, show_json
from hearth.stack_folder import Folder, StackError
from hearth.terminal import console

LEAST_FREE_BYTES: Final = 500_000_000
SCANT_FREE_BYTES: Final = 3_000_000_000
MOST_SKEW_SECONDS: Final = 5.0
BACKLOG_SECONDS: Final = 60.0
"""An event that waits for so long has a relay that does not get on."""
OK: Final = "ok"
WARNING: Final = "warning"
FAILED: Final = "failed"
_READY: Final = 200


@dataclass(frozen=True)
class Check:
    """One finding: `status` is ok, warning or failed."""

    name: str
    status: str
    detail: str


def doctor(data: DataOption = DEFAULT_DATA, *, as_json: JsonOption = False) -> None:
    """Check folder, processes, readiness, outboxes and dead letters; exit code 1 when something has failed."""
    checks = list(examine(data))
    failed = any(check.status == FAILED for check in checks)
    if as_json:
        show_json({"ok": not failed, "checks": [asdict(check) for check in checks]})
    else:
        colours = {OK: "green", WARNING: "yellow", FAILED: "red"}
        table = Table("", "check", "detail")
        for check in checks:
            table.add_row(f"[{colours[check.status]}]{check.status}[/]", check.name, escape(check.detail))
        console().print(table)
    if failed:
        raise typer.Exit(1)


def examine(data: Path) -> Iterator[Check]:
    """Yield every check, those of the local folder only where the deployment is local."""
    try:
        deployment = find_deployment(data)
    except StackError as error:
        folder = Folder.at(data)
        if folder.root.is_dir():
            yield from _folder_checks(folder)
        yield Check("stack", FAILED, str(error))
        return
    if deployment.folder is not None:
        yield from _folder_checks(deployment.folder)
        yield from _process_checks(deployment.folder)
    with Operator(deployment) as operator:
        yield from _readiness_checks(operator, deployment)
        for service in deployment.services:
            yield from _event_checks(operator, service)


def _folder_checks(folder: Folder) -> Iterator[Check]:
    for path in (folder.root, folder.secrets, folder.credentials):
        if not path.exists():
            yield Check(path.name, WARNING if path == folder.credentials else FAILED, f"{path} is not there")
            continue
        # Root's folder lets one group pass: PostgreSQL's system user.
        open_bits = stat.S_IMODE(path.stat().st_mode) & (0o067 if path == folder.root else 0o077)
        detail = f"{path} is open to other users" if open_bits else f"{path} is private"
        yield Check(path.name, FAILED if open_bits else OK, detail)
    free = shutil.disk_usage(folder.root).free
    status = FAILED if free < LEAST_FREE_BYTES else WARNING if free < SCANT_FREE_BYTES else OK
    yield Check("disk", status, f"{free / 1e9:.1f} GB free")


def _process_checks(folder: Folder) -> Iterator[Check]:
    supervisor = folder.supervisor()
    yield Check(
        "supervisor",
        OK if supervisor else FAILED,
        f"process {supervisor}" if supervisor else "nobody keeps the processes running: `hearth up` starts anew",
    )
    for name, process in folder.read_state().get("processes", {}).items():
        pid = process.get("pid")
        up = isinstance(pid, int) and alive(pid)
        restarts = process.get("restarts") or 0
        detail = f"process {pid}" if up else f"it is not running; see {folder.log(name)}"
        if restarts:
            detail += f", restarts: {restarts}"
        yield Check(f"{name} process", (WARNING if restarts else OK) if up else FAILED, detail)


def _readiness_checks(operator: Operator, deployment: Deployment) -> Iterator[Check]:
    skews = []
    for process, url in deployment.urls.items():
        alive_answer, answer = operator.probe(process, "/livez"), operator.probe(process, "/readyz")
        if alive_answer is None or answer is None:
            yield Check(f"{process} ready", FAILED, f"{url} does not answer")
            continue
        ready = alive_answer.status_code == _READY and answer.status_code == _READY
        yield Check(f"{process} ready", OK if ready else FAILED, _readiness(answer))
        skew = _skew(answer)
        if skew is not None:
            skews.append(skew)
    if skews:
        worst = max(skews, key=abs)
        status = OK if abs(worst) <= MOST_SKEW_SECONDS else FAILED
        yield Check("clock", status, f"this machine and the processes differ by {abs(worst):.0f} s at most")


def _readiness(answer: httpx.Response) -> str:
    """Say what /readyz says, which looks at the process's database and at NATS."""
    try:
        body: dict[str, Any] = answer.json()
        failures = ", ".join(f"{name}: {reason}" for name, reason in body["failures"].items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"answers {answer.status_code} {answer.text[:200]}"
    return failures or str(body.get("status"))


def _skew(answer: httpx.Response) -> float | None:
    """Return how many seconds this machine's clock is ahead; the Date header has whole seconds."""
    try:
        there = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        return None
    ahead = (clock.now() - there).total_seconds()
    return math.copysign(max(0.0, abs(ahead) - 1.0), ahead)


def _event_checks(operator: Operator, service: str) -> Iterator[Check]:
    try:
        outbox = operator.get(service, "/ops/outbox")
        age = outbox["oldest_unpublished_seconds"]
        late = age is not None and age > BACKLOG_SECONDS
        detail = f"{outbox['unpublished']} of {outbox['events']} events wait"
        yield Check(f"{service} outbox", FAILED if late else OK, detail + (f", for {age:.0f} s" if late else ""))
        total = operator.get(service, "/ops/dead-letters", limit=1)["total"]
        detail = f"{total}; `hearth dlq ls` shows them" if total else "none"
        yield Check(f"{service} dead letters", WARNING if total else OK, detail)
        behind = sum(row["pending"] or 0 for row in operator.get(service, "/ops/consumers")["data"])
        yield Check(f"{service} consumers", OK, f"{behind} events behind")
    except (ClientError, KeyError, TypeError) as error:
        yield Check(f"{service} operations", FAILED, str(error))
