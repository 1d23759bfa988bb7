"""The composition of a service: its routes, consumers and jobs on top of the chassis, as `api`, `worker` or `all`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import uvloop
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from opentelemetry.trace import SpanKind
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import auth, clock, due, errors, idempotency, migrations, ops, relay, telemetry
from chassis.bus import Bus
from chassis.consuming import Consumption
from chassis.db import Reader, Session, make_engine, transaction
from chassis.description import describe
from chassis.due import Jobs, Scheduler
from chassis.health import Check, Health, internal_app
from chassis.inbox import Consumers
from chassis.outages import DATABASE_ERRORS, is_outage
from chassis.pagination import Cursors
from chassis.relay import Relay
from chassis.requests import Replay, Route, on_database_error, on_replay, on_unexpected, prefer_literals
from chassis.retries import Retries
from chassis.runtime import Runtime
from chassis.schemas import problems
from chassis.serve import Background, serve
from chassis.settings import ServiceSettings, load
from chassis.tokens import TOKEN_SECONDS, Jwks, TokenVerifier, fetch_over_http
from contracts.base import SUBJECT_PREFIX, SYSTEM_ORGANIZATION
from contracts.members import SessionRevoked

ROLES = ("api", "worker", "all", "migrate")
PARTITION_KIND = "outbox.partition"
MEASURE_SECONDS = 5.0
START_RETRY_SECONDS = 1.0
NOT_MIGRATED = ("42P01", "42883", "42703")
"""SQLSTATE of an unknown table, function or column."""

log = telemetry.log("chassis.app")


@dataclass(frozen=True)
class Service:
    """What a service consists of. Its `app.py` makes one, its `__main__.py` hands it to `main`."""

    name: str
    title: str
    settings: type[ServiceSettings]
    migrations: Path
    standing_query: str
    routers: Sequence[APIRouter] = ()
    consumers: Sequence[Consumers] = ()
    jobs: Sequence[Jobs] = ()
    jwks: Callable[[Runtime], Callable[[], Awaitable[dict[str, Any]]]] | None = None
    operations: Callable[[Runtime], list[Any]] | None = None
    on_start: Callable[[Runtime], Awaitable[None]] | None = None
    workers: Callable[[Runtime], Sequence[Background]] | None = None
    """What else runs in worker processes beside relay, consumers and due work."""
    publishes: str | None = None
    """Whose events it owns, where that is not its own name."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """The first segment of its events' types."""
        return self.publishes or self.name


def operation_id(route: APIRoute) -> str:
    """Return the camelCase operationId of a route: its function's name."""
    head, *rest = route.name.split("_")
    return head + "".join(step.capitalize() for step in rest)


def router(tag: str, route_class: type[Route] = Route) -> APIRouter:
    """Return a router of a noun, with Hearth's route class and the problems that any of its routes may answer."""
    return APIRouter(
        tags=[tag],
        route_class=route_class,
        generate_unique_id_function=operation_id,
        responses=problems(400, 401, 403, 404, 422, 429, 503),
    )


def build_app(service: Service, runtime: Runtime) -> FastAPI:
    """Return the service's API. Raises RuntimeError when a route states no permission."""
    app = FastAPI(
        title=service.title,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_tags=[{"name": name, "description": words} for name, words in service.tags.items()],
        redirect_slashes=False,
        # `Telemetry` below traces, measures and logs; FastAPI's own would do it a second time, query included.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.runtime = runtime
    for one in service.routers:
        auth.check_permissions(one.routes)
        # Not included: FastAPI would match every request against a copy of each route, in a scope of its own.
        app.router.routes.extend(one.routes)
    routes = [route for one in service.routers for route in one.routes if isinstance(route, Route)]
    prefer_literals(routes)
    errors.install(app)
    app.add_exception_handler(405, _method_not_allowed(routes))
    app.add_exception_handler(Replay, on_replay)
    for failure in DATABASE_ERRORS:
        app.add_exception_handler(failure, on_database_error)
    app.add_exception_handler(Exception, on_unexpected)
    app.add_middleware(Retries)
    app.add_middleware(Telemetry, service=service.name)
    describe(app, routes)
    return app


def _method_not_allowed(routes: Sequence[Route]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return the handler of 405, which knows every method of a path; Starlette names those of one route only."""

    async def answer(request: Request, _error: Exception) -> Response:
        path: str = request.scope["path"]
        allowed = sorted({method for route in routes if route.takes(path) for method in route.methods or ()})
        return errors.render(errors.Problem(405, "method-not-allowed", headers={"Allow": ", ".join(allowed)}))

    return answer


class Telemetry:
    """Continues the caller's trace, measures the request by its route template, and logs it without its query."""

    def __init__(self, app: ASGIApp, *, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        started, status, answered = time.perf_counter(), 500, False

        async def note(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], True
            await send(message)

        parent = headers.get(b"traceparent", b"").decode("latin-1") or None
        with telemetry.span(f"{self._service} {scope['method']}", SpanKind.SERVER, parent) as span:
            try:
                await self._app(scope, receive, note)
            except Exception as error:
                if answered:
                    raise
                # Here, where the trace is known that the answer names; further out it is over.
                log.exception("request_failed")
                await (await on_unexpected(Request(scope), error))(scope, receive, note)
            finally:
                route = getattr(scope.get("route"), "path_format", "unmatched")
                seconds = time.perf_counter() - started
                span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", status)
                telemetry.REQUESTS.labels(scope["method"], route, status).observe(seconds)
                # Reads that went well are many, and the gateway logs them all; what changed or failed here is told here too.
                told = log.debug if scope["method"] == "GET" and status < HTTPStatus.BAD_REQUEST else log.info
                told("request", method=scope["method"], route=route, status=status, seconds=round(seconds, 6))


@asynccontextmanager
async def running(service: Service, settings: ServiceSettings) -> AsyncIterator[Runtime]:
    """Open what a process of the service needs, and close it at the end."""
    engine = make_engine(settings.database_url.get_secret_value(), connections=settings.database_connections)
    worker_engine = make_engine(
        settings.worker_database_url.get_secret_value(), connections=settings.database_connections
    )
    reader = await Reader.connect(settings.database_url.get_secret_value(), connections=settings.database_connections)
    bus = await Bus.connect(settings.nats_url.get_secret_value(), service.owner)
    jobs = Jobs()
    for one in (idempotency.jobs, _partitions, *service.jobs):
        jobs.include(one)
    holder: list[Runtime] = []

    async def fetch() -> dict[str, Any]:
        source = service.jwks(holder[0]) if service.jwks else fetch_over_http(settings.jwks_url)
        return await source()

    runtime = Runtime(
        service=service.owner,
        settings=settings,
        engine=engine,
        worker_engine=worker_engine,
        reader=reader,
        bus=bus,
        verifier=TokenVerifier(Jwks(fetch)),
        cursors=Cursors(settings.cursor_secret.get_secret_value()),
        seal=idempotency.Seal(settings.cursor_secret.get_secret_value()),
        standing_query=service.standing_query,
        consumers={consumer.name: consumer for consumer in service.consumers},
        jobs=jobs,
    )
    holder.append(runtime)
    try:
        yield runtime
    finally:
        await bus.close()
        await reader.close()
        await engine.dispose()
        await worker_engine.dispose()


_partitions = Jobs()


@_partitions.on(PARTITION_KIND)
async def make_partitions(session: Session, _work: due.Due) -> None:
    """Have the event log's partitions of this month and the next, and look again tomorrow."""
    await ensure_partitions(session)


async def ensure_partitions(session: Session) -> None:
    """Make the partitions that are missing, and schedule the next look.

    PostgreSQL refuses an insert that was on its way into the default partition when its own was made, so each process does
    this before it serves, and later only for a month that nobody writes to yet.
    """
    for month in (clock.now(), clock.now().replace(day=1) + timedelta(days=31)):
        await session.execute(text("SELECT outbox_partition(:month)"), {"month": month.date()})
    await due.schedule(session, SYSTEM_ORGANIZATION, PARTITION_KIND, "log", clock.now() + timedelta(days=1))


def background(service: Service, runtime: Runtime, role: str) -> list[Background]:
    """Return what runs beside the API: key refresh and revocations everywhere, relay, consumers and due work in workers."""
    work: list[Background] = []
    if role in {"api", "all"}:
        work += listening(runtime)
    if role in {"worker", "all"}:
        work += working(service, runtime)
    return work


def listening(runtime: Runtime) -> list[Background]:
    """Return what keeps a process that verifies tokens up to date: the issuer's keys, and who signed out."""

    async def revoke(stopping: asyncio.Event) -> None:
        async def on_event(envelope: Any) -> None:  # noqa: ANN401  an envelope
            runtime.verifier.revoke(SessionRevoked.read(envelope.data).session_id)

        # A process that starts asks for as far back as a token can live that somebody signed out of meanwhile.
        subjects, since = [f"{SUBJECT_PREFIX}.{SessionRevoked.type}.*"], timedelta(seconds=TOKEN_SECONDS)
        following = asyncio.create_task(runtime.bus.fanout(SessionRevoked.service(), subjects, on_event, since=since))
        await stopping.wait()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    return [runtime.verifier.jwks.run, revoke]


def working(service: Service, runtime: Runtime) -> list[Background]:
    """Return what a worker does: relay, due work, consumers, and what the service adds. The database must be prepared."""

    async def measure(stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await relay.measure(runtime.worker_engine)
            try:
                await asyncio.wait_for(stopping.wait(), MEASURE_SECONDS)
            except TimeoutError:
                continue

    settings = runtime.settings
    return [
        Relay(runtime.worker_engine, runtime.bus, batch=settings.relay_batch).run,
        Scheduler(runtime.worker_engine, runtime.jobs).run,
        measure,
        *(
            Consumption(
                runtime.worker_engine,
                runtime.bus,
                consumer,
                owner=owner,
                batch=settings.consumer_batch,
                attempts=settings.handler_attempts,
            ).run
            for consumer in service.consumers
            for owner in sorted(consumer.services)
        ),
        *(service.workers(runtime) if service.workers else ()),
    ]


def checks(runtime: Runtime) -> dict[str, Check]:
    """Return what a process of a service must have to be ready: its database and its broker."""

    async def connected() -> None:
        if not runtime.bus.connected:
            raise ConnectionError("NATS is away")

    return {"database": runtime.reader.ping, "nats": connected}


async def run(service: Service, settings: ServiceSettings, role: str) -> None:
    """Run a process of the service until it is told to stop."""
    async with running(service, settings) as runtime:
        await prepare(service, runtime)
        api = build_app(service, runtime) if role in {"api", "all"} else None
        if api is not None:
            api.openapi()  # now, and not in the first request for it: a large one takes the loop a second
        health = Health(checks(runtime))
        operations = [*ops.routes(runtime), *(service.operations(runtime) if service.operations else [])]
        await serve(api, internal_app(health, operations), settings, health, background(service, runtime, role))


async def prepare(service: Service, runtime: Runtime) -> None:
    """Do what must be done before serving, waiting for a database that is away or still starting.

    Raises SystemExit when the database was never migrated.
    """
    while True:
        try:
            async with transaction(runtime.worker_engine) as session:
                await ensure_partitions(session)
            if service.on_start:
                await service.on_start(runtime)
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) not in NOT_MIGRATED:
                raise
            raise SystemExit(
                f"the database is not up to date: run `python -m {service.name} migrate` first ({error.orig})"
            ) from error
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("start_waits", error=type(error).__name__, detail=str(error)[:300])
            await asyncio.sleep(START_RETRY_SECONDS)
        else:
            return


async def migrate(service: Service, settings: ServiceSettings) -> None:
    """Bring the service's database up to date."""
    if settings.owner_database_url is None:
        raise SystemExit(f"HEARTH_{service.name.upper()}_OWNER_DATABASE_URL is needed to migrate")
    owner = settings.owner_database_url.get_secret_value()
    roles = migrations.roles_of(
        owner, settings.database_url.get_secret_value(), settings.worker_database_url.get_secret_value()
    )
    applied = await migrations.upgrade(owner, service.migrations, roles)
    log.info("migrated", applied=applied)


def main(service: Service) -> None:
    """Run `python -m <service> api|worker|all|migrate`."""
    role = sys.argv[1] if len(sys.argv) == 2 else ""  # noqa: PLR2004  the program and one word
    if role not in ROLES:
        raise SystemExit(f"usage: python -m {service.name} {'|'.join(ROLES)}")
    settings = load(service.settings)
    telemetry.configure(service.name, settings)
    uvloop.run(migrate(service, settings) if role == "migrate" else run(service, settings, role))
