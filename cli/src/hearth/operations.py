"""`hearth outbox`, `hearth dlq` and `hearth events`: what an operator asks of the services' internal ports."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from chassis import clock
from hearth.client import DEFAULT_DATA, ClientError, DataOption
from hearth.internal import Deployment, Operator, find_deployment, owner_of, stream
from hearth.terminal import console

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_PAGE: Final = 200
_BACKFILL_WATCH_SECONDS: Final = 0.3
_RECONNECT_SECONDS: Final = 0.5

outbox = typer.Typer(name="outbox", help="Events that are written but not yet published.", no_args_is_help=True)
dlq = typer.Typer(name="dlq", help="Events that a handler could not take.", no_args_is_help=True)
events = typer.Typer(name="events", help="The log of events: watch it, publish it again.", no_args_is_help=True)


def show_json(value: object) -> None:
    """Print JSON for programs."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


@outbox.callback()
def _outbox() -> None:
    """Events that are written but not yet published."""  # typer makes a group of one command only with a callback


@outbox.command()
def status(data: DataOption = DEFAULT_DATA, *, as_json: JsonOption = False) -> None:
    """Show each service's outbox: what waits, since when, and how many events the log holds."""
    with Operator(find_deployment(data)) as operator:
        found = [{**operator.get(name, "/ops/outbox"), "service": name} for name in operator.deployment.services]
    if as_json:
        show_json({"data": found})
        return
    table = Table("service", "unpublished", "oldest", "events", "partitions")
    for row in found:
        oldest = row["oldest_unpublished_seconds"]
        table.add_row(
            row["service"],
            str(row["unpublished"]),
            "" if oldest is None else f"{oldest:.0f} s",
            str(row["events"]),
            ", ".join(partition["name"] for partition in row.get("partitions", [])),
        )
    console().print(table)


@dlq.command("ls")
def list_dead_letters(
    data: DataOption = DEFAULT_DATA,
    limit: Annotated[int, typer.Option(min=1, max=_PAGE, help="At most so many of each service.")] = 50,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the dead letters, each with the error that put it there."""
    with Operator(find_deployment(data)) as operator:
        found, total = [], 0
        for service in operator.deployment.services:
            answer = operator.get(service, "/ops/dead-letters", limit=limit)
            found += [{"service": service, **letter} for letter in answer["data"]]
            total += answer["total"]
    if as_json:
        show_json({"data": found, "total": total})
        return
    if not total:
        console().print("No dead letters.")
        return
    table = Table("service", "id", "consumer", "type", "attempts", "since", "error")
    for letter in found:
        table.add_row(
            letter["service"],
            str(letter["id"]),
            letter["consumer"],
            letter["type"],
            str(letter["attempts"]),
            letter["created_at"],
            escape(letter["error"]),
        )
    console().print(table)
    if total > len(found):
        console().print(f"{len(found)} of {total}; --limit shows more.")


@dlq.command("retry")
def retry_dead_letters(
    ids: Annotated[list[str] | None, typer.Argument(help="The dead letters' ids.", metavar="[ID]...")] = None,
    data: DataOption = DEFAULT_DATA,
    *,
    every: Annotated[bool, typer.Option("--all", help="Retry all there are.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Hand dead letters to their consumers again; one that fails again stays."""
    wanted = sorted(set(ids or []))
    if every == bool(wanted):
        raise ClientError("say which: the ids that `hearth dlq ls` shows, or --all")
    for name in wanted:
        if not _is_uuid(name):
            raise ClientError(f"{name!r} is not the id of a dead letter")
    retried = failed = 0
    with Operator(find_deployment(data)) as operator:
        for service in operator.deployment.services:  # each retries those it has
            answer = operator.post(service, "/ops/dead-letters/retry", {"ids": None if every else wanted})
            retried, failed = retried + answer["retried"], failed + answer["failed"]
    unknown = 0 if every else max(0, len(wanted) - retried - failed)
    if as_json:
        show_json({"retried": retried, "failed": failed, "unknown": unknown})
    else:
        console().print(f"{retried} retried, {failed} failed again")
    if unknown:
        raise ClientError(f"{unknown} of the {len(wanted)} ids belong to no dead letter")
    if failed:
        raise typer.Exit(1)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@events.command("tail")
def tail_events(
    data: DataOption = DEFAULT_DATA,
    service: Annotated[str | None, typer.Option(help="Only this service's events.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many events.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show events as they are published, until Ctrl-C; --json prints each as one line of CloudEvents JSON."""
    deployment = find_deployment(data)
    chosen = _chosen(deployment.services, service)
    with suppress(KeyboardInterrupt):
        asyncio.run(
            _tail(deployment, chosen, limit, typer.echo if as_json else lambda line: typer.echo(_one_line(line)))
        )


async def _tail(deployment: Deployment, services: list[str], limit: int | None, show: Callable[[str], None]) -> None:
    """Show the services' events side by side. Raises ClientError when one cannot be reached at first."""
    lines: asyncio.Queue[str | ClientError] = asyncio.Queue()
    followers = [asyncio.create_task(_follow(deployment, name, lines)) for name in services]
    try:
        shown = 0
        while limit is None or shown < limit:
            line = await lines.get()
            if isinstance(line, ClientError):
                raise line
            show(line)
            shown += 1
    finally:
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)


async def _follow(deployment: Deployment, service: str, lines: asyncio.Queue[str | ClientError]) -> None:
    """Put a service's events into the queue, over its restarts."""
    connected = False
    while True:
        try:
            async for line in stream(deployment, service, "/ops/events/tail"):
                connected = True
                if line.strip():
                    lines.put_nowait(line)
            connected = True
        except ClientError as error:
            if not connected:
                lines.put_nowait(error)
                return
        await asyncio.sleep(_RECONNECT_SECONDS)


def _one_line(line: str) -> str:
    try:
        event = json.loads(line)
        community = event.get("community") or "-"
        aggregate = f"{event['subject']}@{event['aggregateversion']}"
        return f"{event['time']}  {event['type']}  {aggregate}  community {community}  {event['origin']}"
    except (ValueError, KeyError, TypeError):
        return line


@events.command()
def republish(
    since: Annotated[str, typer.Option(help="From when: 2026-11-01T00:00:00Z, or an age: 90m, 24h, 30d.")],
    data: DataOption = DEFAULT_DATA,
    service: Annotated[str | None, typer.Option(help="Only this service's events.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Publish the log's events again, for a stream that was lost; consumers that have them take no harm."""
    instant = parse_since(since, clock.now())
    with Operator(find_deployment(data)) as operator:
        counts = {
            name: operator.post(name, "/ops/events/republish", {"since": instant.isoformat()}, timeout=3600.0)[
                "republished"
            ]
            for name in _chosen(operator.deployment.services, service)
        }
    if as_json:
        show_json({"since": instant.isoformat(), "republished": counts})
        return
    for name, count in counts.items():
        console().print(f"{name}: {count} events are being published again")


@events.command()
def backfill(
    consumer: Annotated[str, typer.Option(help="The consumer whose projection is filled anew.")],
    data: DataOption = DEFAULT_DATA,
    service: Annotated[
        str | None, typer.Option(help="Whose consumer, where several services have one of this name.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait until it has caught up.")] = 600.0,
    *,
    as_json: JsonOption = False,
) -> None:
    """Clear a consumer's projection and fill it from the owners' logs; returns when it has caught up."""
    with Operator(find_deployment(data)) as operator:
        service = _service_of(operator, consumer, service)
        owners: dict[str, list[str]] = {}
        for row in _consumers(operator, service):
            for kind in row["types"] if row["consumer"] == consumer else ():
                owners.setdefault(owner_of(kind), []).append(kind)
        missing = sorted(set(owners) - set(operator.deployment.urls))
        if missing:  # said before anything is cleared that could not be filled again
            raise ClientError(f"{consumer} reads events of {', '.join(missing)}, whose internal address is not known")
        operator.post(service, f"/ops/consumers/{consumer}/clear")
        replayed = {
            owner: operator.post(owner, "/ops/events/replay", {"consumer": consumer, "types": types}, timeout)[
                "replayed"
            ]
            for owner, types in owners.items()
        }
        _wait_until_caught_up(operator, service, consumer, timeout)
    if as_json:
        show_json({"consumer": consumer, "service": service, "replayed": replayed})
        return
    console().print(f"{consumer} has taken {sum(replayed.values())} events again")


def _consumers(operator: Operator, service: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = operator.get(service, "/ops/consumers")["data"]
    return found


def _service_of(operator: Operator, consumer: str, wanted: str | None) -> str:
    consumers = {
        service: {row["consumer"] for row in _consumers(operator, service)}
        for service in _chosen(operator.deployment.services, wanted)
    }
    having = [service for service, names in consumers.items() if consumer in names]
    if not having:
        names = sorted(set().union(*consumers.values()))
        raise ClientError(f"no consumer {consumer!r}; there are {', '.join(names) or 'none'}")
    if len(having) > 1:
        raise ClientError(f"{' and '.join(having)} each have a consumer {consumer!r}: say whose with --service")
    return having[0]


def _wait_until_caught_up(operator: Operator, service: str, consumer: str, timeout: float) -> None:
    def left() -> int:
        rows = [row for row in _consumers(operator, service) if row["consumer"] == consumer]
        # Without figures the consumer is being made anew on its stream: that is not caught up.
        return sum(1 if row["pending"] is None else row["pending"] + row["ack_pending"] for row in rows)

    deadline = time.monotonic() + timeout
    _until(lambda: left() == 0 or time.monotonic() > deadline)
    if left():
        raise ClientError(f"{consumer} has not caught up after {timeout:.0f} s: {left()} events are left")


def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(_BACKFILL_WATCH_SECONDS)


def _chosen(services: list[str], service: str | None) -> list[str]:
    if service is None:
        return services
    if service not in services:
        raise ClientError(f"no service {service!r}; there are {', '.join(services)}")
    return [service]


def parse_since(text: str, now: datetime) -> datetime:
    """Return the instant that `text` names: RFC 3339 (UTC where no offset is given) or an age like 90m, 24h, 30d.

    Raises ClientError.
    """
    age = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if age:
        unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[age[2]]
        try:
            return now - timedelta(**{unit: int(age[1])})
        except OverflowError:
            raise ClientError(f"--since: {text} ago is before the calendar begins") from None
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ClientError(f"--since reads 2026-11-01T00:00:00Z or an age like 24h; {text!r} is neither") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
