"""`hearth webhooks`: try what partners are told, on this machine."""

from __future__ import annotations

import json
import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape

from chassis import clock
from hearth.client import DEFAULT_DATA, ApiError, BaseUrlOption, Client, ClientError, DataOption
from hearth.operations import parse_since
from hearth.receiver import Received, Receiver
from hearth.terminal import console

CLIENT_NAME: Final = "hearth webhooks listen"
PROJECTION_SECONDS: Final = 15.0
"""How long the gateway may take to hear of an API client that was made just now."""
ANSWER_SECONDS: Final = 25.0
"""How long a ping is waited for: an attempt takes up to 15 seconds."""
PAUSE_SECONDS: Final = 0.3
LOOK_SECONDS: Final = 0.5
WIDEST_TYPE: Final = 44

app = typer.Typer(name="webhooks", help="Try what partners are told.", no_args_is_help=True)

EndpointOption = Annotated[UUID, typer.Option("--endpoint", help="The endpoint, by its id.")]


@app.command()
def listen(
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--types", metavar="FILTER", help="Types of events, such as content.* (again for more); all when left out."
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen on 127.0.0.1; 0: any free port.")] = 0,
    count: Annotated[int, typer.Option(min=0, help="End after so many verified deliveries; 0: when stopped.")] = 0,
    bodies: Annotated[bool, typer.Option("--bodies", help="Print the bodies too.")] = False,  # noqa: FBT002 - an option
    data: DataOption = DEFAULT_DATA,
    base_url: BaseUrlOption = None,
) -> None:
    """Receive webhooks here: make an endpoint, verify and print what comes, delete the endpoint at the end."""
    out = console()
    arrived: queue.SimpleQueue[Received] = queue.SimpleQueue()
    try:
        receiver = Receiver(port, arrived.put)
    except OSError as error:
        raise ClientError(f"127.0.0.1:{port} cannot be listened on: {error.strerror or error}") from error
    with _serving(receiver), Client.from_data(data, base_url) as client, _stoppable():
        endpoint = make_endpoint(client, receiver.url, types or [])
        try:
            receiver.secret = next(one["secret"] for one in endpoint["secrets"] if one["scheme"] == "v1")
            out.print(f"endpoint {endpoint['id']} → {receiver.url}", markup=False)
            out.print(f"events   {', '.join(endpoint['event_types']) or 'all'}", markup=False)
            _print_all(arrived, count, out, bodies=bodies)
        except KeyboardInterrupt:
            pass
        finally:
            client.delete(f"/v1/endpoints/{endpoint['id']}")
            out.print(f"endpoint {endpoint['id']} deleted", markup=False)


@app.command()
def ping(endpoint: EndpointOption, data: DataOption = DEFAULT_DATA, base_url: BaseUrlOption = None) -> None:
    """Send an endpoint a ping, and say what it answered."""
    with Client.from_data(data, base_url) as client:
        sent = client.post(f"/v1/endpoints/{endpoint}/pings", {}).body
        until = time.monotonic() + ANSWER_SECONDS
        while not sent["attempts"] and time.monotonic() < until:
            time.sleep(PAUSE_SECONDS)
            sent = client.get(f"/v1/endpoints/{endpoint}/deliveries/{sent['event_id']}").body
    if not sent["attempts"]:
        raise ClientError(f"{sent['event_id']} has not gone out yet: it waits behind others, or for the endpoint.")
    answer = f"answered {sent['last_status']}" if sent["last_status"] else f"gave no answer: {sent['last_error']}"
    typer.echo(f"{sent['event_id']} {sent['state']}: the endpoint {answer}")
    if sent["state"] != "delivered":
        raise typer.Exit(1)


@app.command()
def replay(
    endpoint: EndpointOption,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="What was made since then: 2026-11-01T00:00:00Z, or 24h.")
    ] = None,
    ids: Annotated[
        list[UUID] | None, typer.Option("--id", help="One event, by its webhook-id; again for more.")
    ] = None,
    undelivered: Annotated[bool, typer.Option("--undelivered", help="Of a time, only what did not arrive.")] = False,  # noqa: FBT002 - an option
    data: DataOption = DEFAULT_DATA,
    base_url: BaseUrlOption = None,
) -> None:
    """Send an endpoint again what it was told: single events, or everything since a time."""
    if (since is None) == (not ids) or (ids and undelivered):
        raise ClientError(
            "Say what to send again: --since WHEN, of it what did not arrive with --undelivered; or --id ID."
        )
    wanted: list[dict[str, Any]] = [{"event_id": str(one)} for one in ids or ()]
    if since is not None:
        asked = {"since": parse_since(since, clock.now()).isoformat()}
        wanted = [asked | ({"only": "undelivered"} if undelivered else {})]
    with Client.from_data(data, base_url) as client:
        for body in wanted:
            started = client.post(f"/v1/endpoints/{endpoint}/replays", body).body
            told = (
                f", {started['replayed']} so far"
                if started["state"] == "running"
                else f", {started['replayed']} go out again"
            )
            typer.echo(f"replay {started['id']} {started['state']}{told}")


def make_endpoint(client: Client, url: str, types: list[str]) -> dict[str, Any]:
    """Return a new endpoint with its keys, of the API client that is kept for trying. Raises ApiError, ClientError."""
    body = {
        "url": url,
        "client_id": find_client(client),
        "description": f"{CLIENT_NAME} on this machine",
        "event_types": types,
    }
    until = time.monotonic() + PROJECTION_SECONDS
    while True:
        try:
            made: dict[str, Any] = client.post("/v1/endpoints", body).body
        except ApiError as error:
            codes = {fault.get("code") for fault in error.problem.get("errors", ()) if isinstance(fault, dict)}
            if "client-unknown" not in codes or time.monotonic() > until:
                raise
        else:
            return made
        time.sleep(PAUSE_SECONDS)


def find_client(client: Client) -> str:
    """Return the id of the API client that is kept for trying, made when there is none. Raises ApiError, ClientError."""
    cursor: dict[str, str | int] = {}
    while True:
        page = client.get("/v1/clients", {"limit": 200, **cursor}).body
        for one in page["data"]:
            if one["name"] == CLIENT_NAME:
                return str(one["id"])
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    # On this machine the operator looks at the brand's own data, as a processor would.
    made = {"name": CLIENT_NAME, "scopes": ["webhooks:manage"], "basis": "processor"}
    return str(client.post("/v1/clients", made).body["id"])


@contextmanager
def _serving(receiver: Receiver) -> Iterator[None]:
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let being told to end be as being interrupted, so that the endpoint goes."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _print_all(arrived: queue.SimpleQueue[Received], count: int, out: Console, *, bodies: bool) -> None:
    verified = 0
    seen: set[str] = set()
    while not count or verified < count:
        try:
            received = arrived.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            continue
        verified += received.verified
        show(received, out, again=received.id in seen, bodies=bodies)
        seen.add(received.id)


def show(received: Received, out: Console, *, again: bool, bodies: bool) -> None:
    """Print one delivery: its type, id and time, and whether it is verified. What it says of itself is data, never markup."""
    document = received.document()
    told, at = (_plain(document.get(name)) for name in ("type", "timestamp"))
    verdict = "[green]verified[/]" if received.verified else f"[red]NOT verified: {received.fault}[/]"
    more = " (again)" if again else ""
    out.print(f"{escape(told):<{WIDEST_TYPE}} {escape(_plain(received.id))}  {escape(at)}  {verdict}{more}")
    if bodies:
        out.print(json.dumps(document, ensure_ascii=True), markup=False)


def _plain(value: object) -> str:
    """Return text without what a terminal would act upon."""
    text = value if isinstance(value, str) else "?"
    return "".join(letter if letter.isprintable() else "?" for letter in text[:100]) or "?"
