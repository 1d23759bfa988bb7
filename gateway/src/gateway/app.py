"""The composition root: one raw ASGI app that identifies, limits and routes a request, and has it proxied."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from http import HTTPStatus

import orjson
from fastapi import FastAPI
from multidict import istr
from starlette.types import Receive, Scope, Send

from chassis import clock, telemetry
from chassis.errors import MEDIA_TYPE, Problem
from chassis.ids import new_id
from chassis.tokens import TokenVerifier
from gateway import access, bodies, compose, headers, identity, limits
from gateway.calls import policy as calls_policy
from gateway.calls.ledger import Call, Calls, Unconfigured
from gateway.catalogue import asyncapi
from gateway.cors import Cors
from gateway.docs import Docs
from gateway.exchange import Exchange
from gateway.local import Local
from gateway.openapi import Document
from gateway.pages import Page, answer_page
from gateway.proxy import Upstream
from gateway.routing import AMBIGUOUS, Access, Route, Router
from gateway.settings import GatewaySettings

ALLOWED = ", ".join(sorted(access.METHODS))
NOSNIFF = (b"x-content-type-options", b"nosniff")
LONGEST_TRACESTATE = 512
UNEXPECTED = "Something went wrong here. The trace id finds it in the log."

TRACEPARENT = istr("Traceparent")
TRACESTATE = istr("Tracestate")
VIA = istr("Via")
X_REQUEST_ID = istr("X-Request-Id")
X_FORWARDED_FOR = istr("X-Forwarded-For")
X_FORWARDED_HOST = istr("X-Forwarded-Host")
X_FORWARDED_PROTO = istr("X-Forwarded-Proto")

log = telemetry.log("gateway.app")


class Gateway:
    """The gateway as an ASGI app. Made inside a running event loop; `close` ends its connections."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        router: Router | None = None,
        tokens: TokenVerifier | None = None,
        own: FastAPI | None = None,
        calls: Calls | None = None,
    ) -> None:
        self.settings = settings
        self.router = router or Router()
        self.tokens = tokens or identity.verifier(settings)
        self.upstreams = {name: Upstream(name, url, settings) for name, url in settings.services.items()}
        self.local = Local(own, settings.idle_seconds)
        gets = {name: upstream.get for name, upstream in self.upstreams.items()}
        if own is not None:
            gets[access.OWN] = self.local.get
        self.document = Document(gets, self.router, settings)
        self._calls: Calls = calls or Unconfigured()
        self._pages: dict[str, Page] = {
            "/openapi.json": self.document.page,
            "/asyncapi.json": asyncapi.page,
            **Docs().pages,
        }
        self._cors = Cors(settings.cors_origins)
        self._buckets = limits.Buckets(settings.callers_remembered)
        self._policies = limits.Policies(settings)
        self._addresses = limits.Addresses(settings.trusted_proxies)
        self._log = access.Log()
        self._spans = access.Spans(exported=settings.otlp_endpoint is not None)
        self._time = asyncio.get_running_loop().time

    async def close(self) -> None:
        """Write how the last calls ended, and close the connections to the services."""
        await self._calls.close()
        for upstream in self.upstreams.values():
            await upstream.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1003, "reason": "WebSocket is not served yet."})
            return
        started = self._time()
        method: str = scope["method"]
        exchange = Exchange()
        malformed: Problem | None = None
        try:
            headers.read(scope, exchange, self.settings.head_limit)
        except Problem as problem:
            malformed = problem
        self._spans.start(method, exchange)
        exchange.answer = [
            (b"x-request-id", exchange.request_id.encode()),
            NOSNIFF,
            *self._cors.answer(exchange.origin),
        ]
        status = 500
        try:
            if malformed is not None:
                raise malformed  # noqa: TRY301  answered below like every other problem
            status = await self._serve(scope, method, exchange, receive, send)
        except Problem as problem:
            status = problem.status_code
            if problem.__cause__ is not None and exchange.route is not None and status >= HTTPStatus.BAD_GATEWAY:
                _note_failure(problem, exchange.route, exchange)
            await _answer_problem(problem, exchange, send)
        except Exception:
            log.exception("request_failed", trace_id=exchange.trace_id)
            # Once an answer has begun, its breaking off is the only way left to say that it is not whole.
            if not exchange.answered:
                await _answer_problem(Problem(500, "internal-error", UNEXPECTED), exchange, send)
        finally:
            route = exchange.route
            seconds = self._time() - started
            if exchange.call is not None:
                self._calls.end(exchange.call, status, round(seconds * 1000))
            access.measure(route.service if route is not None else access.OWN, method, status, seconds)
            self._log.write(exchange, method, status, seconds)
            access.end_span(exchange, method, status)

    async def _serve(self, scope: Scope, method: str, exchange: Exchange, receive: Receive, send: Send) -> int:
        """Answer a request whose head is sound; return the status."""
        if method == "OPTIONS" and exchange.preflight and exchange.origin is not None:
            exchange.answer = [*exchange.answer[:2], *self._cors.preflight(exchange.origin)]
            return await answer_page(204, [], b"", exchange, send)
        client, behind_proxy = self._addresses.client(
            scope["client"][0] if scope["client"] else "", exchange.forwarded_for
        )
        target = self._target(scope)
        page = self._pages.get(scope["path"])
        route = exchange.route = self.router.match(scope["path"]) if page is None else None
        if method not in access.METHODS:
            raise Problem(405, "method-not-allowed", headers={"Allow": ALLOWED})
        if page is not None or route is None:
            self._take(self._policies.anonymous, limits.partition(client), exchange)
            if page is None:
                raise Problem(404, "not-found", "There is nothing at this path.")
            if method not in {"GET", "HEAD"}:
                raise Problem(405, "method-not-allowed", headers={"Allow": "GET, HEAD"})
            return await answer_page(*await page(exchange), exchange, send)
        await self._admit(route, method, client, exchange)
        await self._note_call(route, method, target, client, exchange)
        if exchange.upgrade == b"websocket":
            raise Problem(501, "websocket-unsupported", "WebSocket is not served yet.", headers={"Connection": "close"})
        if route.composed:
            if method not in compose.METHODS:
                raise Problem(405, "method-not-allowed", headers={"Allow": "GET, HEAD"})
            self._introduce(scope, exchange, client, behind_proxy=behind_proxy)
            within = self.settings.compose_seconds
            answer = await compose.put_together(route.pattern, target, exchange, self.upstreams, within)
            return await answer_page(*answer, exchange, send)
        limit = self.settings.import_body_limit if route.imports else self.settings.body_limit
        bodies.check(exchange, limit)
        self._introduce(scope, exchange, client, behind_proxy=behind_proxy)
        serving = self.local if route.service == access.OWN else self.upstreams[route.service]
        return await serving.forward(method, target, exchange, receive, send, limit)

    def _target(self, scope: Scope) -> str:
        """Return the raw path and query as they will be sent on. Raises Problem 400 or 414."""
        path: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        if len(path) + len(query) > self.settings.target_limit:
            raise Problem(414, "target-too-long", f"Path and query hold up to {self.settings.target_limit} bytes.")
        # Matching sees the decoded path, the service decodes the raw one: both must come to the same segments.
        if AMBIGUOUS.search(path):
            raise Problem(
                400,
                "malformed-path",
                "The path has empty, dot or encoded-slash segments, or characters that must be encoded.",
            )
        if not query:
            return path.decode("ascii")
        if not query.isascii():
            raise Problem(400, "malformed-query", "The query has characters that must be encoded.")
        return f"{path.decode('ascii')}?{query.decode('ascii')}"

    async def _admit(self, route: Route, method: str, client: str, exchange: Exchange) -> None:
        """Identify the caller and take the request from its allowance. Raises Problem 401, 429 or 503."""
        rule = route.access.get("GET" if method == "HEAD" else method, Access.TOKEN)
        try:
            token = identity.token_of(rule, exchange.authorization)
            if token is not None:
                exchange.principal = self.tokens.recall(token) or await self.tokens.verify(token)
        except Problem:
            # Guessing costs the address that guesses.
            self._take(self._policies.anonymous, limits.partition(client), exchange)
            raise
        principal = exchange.principal
        if route.credentials and rule is not Access.TOKEN:
            self._take(self._policies.credentials, limits.partition(client), exchange)
        elif principal is None:
            self._take(self._policies.anonymous, limits.partition(client), exchange)
        else:
            self._take(self._policies.authenticated, principal.client_id or principal.account_id, exchange)

    async def _note_call(self, route: Route, method: str, target: str, client: str, exchange: Exchange) -> None:
        """Write an API client's call down before it is passed on. Raises Problem 503 when that cannot be done; people are not affected.

        What was refused for its token or its allowance is not written down: a flood of it must not become one in the database.
        """
        principal = exchange.principal
        if principal is None or principal.client_id is None:
            return
        call = Call(
            id=new_id(),
            organization_id=principal.organization_id,
            client_id=principal.client_id,
            at=clock.now(),
            method=method,
            route=route.pattern,
            path=target.partition("?")[0][: calls_policy.LONGEST_PATH],
            address=client[: calls_policy.LONGEST_ADDRESS],
            trace_id=exchange.trace_id,
            delegated=principal.delegated,
        )
        await self._calls.begin(call)
        exchange.call = call

    def _take(self, policy: limits.Policy, caller: Hashable, exchange: Exchange) -> None:
        taken = self._buckets.take(caller, policy, self._time())
        exchange.answer += limits.answer_headers(policy, taken)
        if not taken.allowed:
            raise limits.refusal(policy, taken)

    def _introduce(self, scope: Scope, exchange: Exchange, client: str, *, behind_proxy: bool) -> None:
        """Add what the gateway itself tells the service about the request."""
        scheme = scope["scheme"]
        if behind_proxy and exchange.forwarded_proto in {b"http", b"https"}:
            scheme = exchange.forwarded_proto.decode()
        forward = exchange.forward
        forward.append((VIA, headers.VIA))
        forward.append((X_REQUEST_ID, exchange.request_id))
        forward.append((X_FORWARDED_FOR, client))
        forward.append((X_FORWARDED_PROTO, scheme))
        if exchange.host is not None:
            forward.append((X_FORWARDED_HOST, exchange.host.decode("ascii")))
        forward.append((TRACEPARENT, f"00-{exchange.trace_id}-{exchange.span_id}-{exchange.trace_flags}"))
        state = exchange.tracestate
        if (
            state is not None
            and exchange.traceparent is not None
            and len(state) <= LONGEST_TRACESTATE
            and state.isascii()
        ):
            forward.append((TRACESTATE, state.decode("ascii")))


def _note_failure(problem: Problem, route: Route, exchange: Exchange) -> None:
    cause = problem.__cause__
    error = type((cause.__cause__ if cause is not None else None) or cause).__name__
    log.warning("upstream_failed", upstream=route.service, code=problem.code, error=error, trace_id=exchange.trace_id)


async def _answer_problem(problem: Problem, exchange: Exchange, send: Send) -> None:
    exchange.problem = problem.code
    document = problem.document()
    document["trace_id"] = exchange.trace_id
    fields = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
    fields += [(name.lower().encode(), value.encode()) for name, value in (problem.headers or {}).items()]
    await answer_page(problem.status_code, fields, orjson.dumps(document), exchange, send)
