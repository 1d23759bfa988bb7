"""The life of a request: strict JSON in, one transaction, one committer, the answer only after the commit."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import IO, Annotated, Any, ClassVar
from uuid import UUID

import orjson
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.routing import Match
from starlette.types import Scope

from chassis import db, idempotency, outbox, positions, reads, telemetry
from chassis.auth import Authenticated, _anyone
from chassis.db import Session
from chassis.errors import Fault, KeptProblem, Problem, pointer, render
from chassis.outages import is_contention, is_outage
from chassis.retries import can_retry
from chassis.runtime import runtime_of

MOST_NESTING = 32
LONGEST_ADDRESS = 64
ADDRESS = "hearth.address"
"""Where a request's session keeps, in its `info`, the network address that the request came from, as the gateway saw it."""
MOST_IN_MEMORY = 2**20
# Everything that is no text: C0 except tab and line feed (carriage returns come with Windows clients), DEL, C1.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

log = telemetry.log("chassis.requests")


class Replay(Exception):  # noqa: N818  not an error: the stored answer of an earlier request
    """Ends a request with the answer that its Idempotency-Key got before."""

    def __init__(self, answer: Response) -> None:
        super().__init__("replayed")
        self.answer = answer


class JsonRequest(Request):
    """A request whose JSON is strict: UTF-8, finite numbers, bounded size and depth, no control characters."""

    most_bytes: ClassVar[int] = 2 * 2**20
    refuses_control_characters: ClassVar[bool] = True

    async def body(self) -> bytes:
        """Return the body. Raises Problem 413 as soon as it is too large."""
        if not hasattr(self, "_body"):
            chunks, size = [], 0
            async for chunk in self.stream():
                size += len(chunk)
                if size > self.most_bytes:
                    raise Problem(413, "body-too-large", f"This route takes up to {self.most_bytes} bytes.")
                chunks.append(chunk)
            self._body = b"".join(chunks)
        return self._body

    async def imprint(self) -> bytes:
        """Return what tells this body from others, for Idempotency-Key. Raises Problem 413."""
        return await self.body()

    def release(self) -> None:
        """Give back what the request holds beside memory."""

    async def json(self) -> Any:  # noqa: ANN401  JSON
        """Return the parsed body. Raises json.JSONDecodeError, RequestValidationError."""
        if not hasattr(self, "_json"):
            document = orjson.loads(await self.body())
            fault = _first_fault(document, control=self.refuses_control_characters)
            if fault:
                raise Problem(422, "invalid", "The request does not match what this route accepts.", errors=[fault])
            self._json = document
        return self._json


def _first_fault(document: Any, *, control: bool) -> Fault | None:  # noqa: ANN401  JSON
    """Find text that is no text, and nesting without end; iterative, so that depth cannot exhaust the stack."""
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(document, ())]
    while stack:
        value, place = stack.pop()
        if len(place) > MOST_NESTING:
            return Fault(pointer(("body", *place)), "nested-too-deep", f"At most {MOST_NESTING} levels.")
        if isinstance(value, str):
            if control and CONTROL.search(value):
                return Fault(pointer(("body", *place)), "control-character", "Control characters are not accepted.")
        elif isinstance(value, dict):
            if control and any(CONTROL.search(key) for key in value):
                return Fault(pointer(("body", *place)), "control-character", "Control characters are not accepted.")
            stack.extend((item, (*place, key)) for key, item in value.items())
        elif isinstance(value, list):
            stack.extend((item, (*place, index)) for index, item in enumerate(value))
    return None


class ImportRequest(JsonRequest):
    """A batch to import: larger, and its text is judged item by item, for one bad item must not cost the others."""

    most_bytes = 8 * 2**20
    refuses_control_characters = False


class UploadRequest(JsonRequest):
    """A request whose body may be a file: it goes to a temporary file as it comes, so that memory stays flat."""

    most_uploaded: ClassVar[int] = 16 * 2**20
    most_at_once: ClassVar[int] = 3
    """Files of one process at a time: together they fit into the 64 MiB that a pod may keep in /tmp."""
    media_types: ClassVar[frozenset[str]] = frozenset()
    """What a route takes for a file, as its Content-Type says; anything else is JSON."""

    _open: ClassVar[set[int]] = set()

    @property
    def uploads(self) -> bool:
        """Whether the body says that it is a file."""
        media = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return media in self.media_types

    async def upload(self) -> IO[bytes]:
        """Return the body as a file at its beginning. Raises Problem 413 as soon as it is too large, 415 for no file, 503 when busy."""
        if not self.uploads:
            raise Problem(415, "unsupported-media-type", f"This route takes {', '.join(sorted(self.media_types))}.")
        if not hasattr(self, "_file"):
            if len(self._open) >= self.most_at_once:
                raise Problem(
                    503, "uploads-busy", "Other files are being read: try again.", headers={"Retry-After": "2"}
                )
            self._open.add(id(self))
            # Closed by `release` when the answer is made, whatever the answer.
            self._file: IO[bytes] = tempfile.SpooledTemporaryFile(MOST_IN_MEMORY)  # noqa: SIM115
            self._sum, size = hashlib.sha256(), 0
            async for chunk in self.stream():
                size += len(chunk)
                if size > self.most_uploaded:
                    raise Problem(413, "body-too-large", f"This route takes up to {self.most_uploaded} bytes.")
                self._sum.update(chunk)
                self._file.write(chunk)
        self._file.seek(0)
        return self._file

    async def imprint(self) -> bytes:
        """Return the sum of an uploaded file, or the body. Raises Problem 413."""
        if not self.uploads:
            return await self.body()
        await self.upload()
        return self._sum.digest()

    def release(self) -> None:
        """Let go of the temporary file."""
        if hasattr(self, "_file"):
            self._file.close()
            self._open.discard(id(self))


class Route(APIRoute):
    """A route of Hearth: reads strict JSON, and lets the committer see the answer before it is sent."""

    request_class: ClassVar[type[JsonRequest]] = JsonRequest
    yields_to: tuple[re.Pattern[str], ...] = ()
    """Paths that its template covers and that are another route's: its literal is not a value of our parameter."""

    def takes(self, path: str) -> bool:
        """Whether the path is this route's, whatever the method."""
        return bool(self.path_regex.match(path)) and not any(other.match(path) for other in self.yields_to)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as every route does, but leave to a more literal route what is its own, the methods that it lacks included."""
        match, child = super().matches(scope)
        if self.yields_to and match is not Match.NONE and not self.takes(scope["path"]):
            return Match.NONE, {}
        return match, child

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler; what is wrapped runs inside the scope of the committer."""
        read = reads.handler(self)
        handle = read or super().get_route_handler()
        takes_json = self.body_field is not None

        async def handle_strictly(given: Request) -> Response:
            request = self.request_class(given.scope, given.receive)
            _refuse_control_characters(request)
            if takes_json:
                _refuse_other_media(request)
            try:
                answer = await handle(request)
            finally:
                request.release()
            if read is None:
                _conclude(request, answer)
            return answer

        return handle_strictly


def _conclude(request: Request, answer: Response) -> None:
    """Say which positions the request's session reached, and let its committer see the answer."""
    session: Session | None = getattr(request.state, "session", None)
    if session is not None:
        reached = outbox.positions(session)
        if reached:
            answer.headers["Hearth-Position"] = positions.header(reached)
    request.state.answer = answer


class ImportRoute(Route):
    """A route that takes imports; its items refuse control characters themselves."""

    request_class = ImportRequest


def prefer_literals(routes: Sequence[Route]) -> None:
    """Let routes yield to those that say a segment of the same path literally (`/posts/imports` and `/posts/{post_id}`)."""
    for route in routes:
        others = {other.path_format: other.path_regex for other in routes if _more_literal(other, route)}
        route.yields_to = tuple(others.values())


def _more_literal(one: Route, other: Route) -> bool:
    ours, theirs = one.path_format.split("/"), other.path_format.split("/")
    if len(ours) != len(theirs):
        return False
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    variable = [(a[:1] == "{", b[:1] == "{") for a, b in pairs]
    return all(a or b for a, b in variable) and variable[:1] == [(False, True)]


def _refuse_other_media(request: Request) -> None:
    """Raise Problem 415 for a body that does not say it is JSON: a browser's form can send the others without asking us first."""
    given = request.headers.get("content-type")
    if given is None:
        has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
        if not has_body:
            return
    media = (given or "").partition(";")[0].strip().lower()
    if media != "application/json" and not (media.startswith("application/") and media.endswith("+json")):
        raise Problem(415, "unsupported-media-type", "This route takes JSON: send Content-Type: application/json.")


def _refuse_control_characters(request: Request) -> None:
    for source, values in (("path", request.path_params.items()), ("query", request.query_params.multi_items())):
        for name, value in values:
            if CONTROL.search(str(value)):
                raise RequestValidationError(
                    [
                        {
                            "type": "control_character",
                            "loc": (source, name),
                            "msg": "Control characters are not accepted.",
                            "input": "",
                        }
                    ]
                )


@asynccontextmanager
async def _keeping(engine: AsyncEngine, organization_id: UUID) -> AsyncIterator[Session]:
    """Run a transaction that commits before a refusal that is to be kept too."""
    kept: KeptProblem | None = None
    async with db.transaction(engine, organization_id) as session:
        try:
            yield session
        except KeptProblem as problem:
            kept = problem
    if kept is not None:
        raise kept


def _address(request: Request) -> str | None:
    """Return where a request came from: the gateway writes the header, and takes it from nobody."""
    given = request.headers.get("x-forwarded-for", "").partition(",")[0].strip()
    return given[:LONGEST_ADDRESS] or (request.client.host if request.client else None)


async def tenant_session(request: Request, principal: Authenticated) -> AsyncIterator[Session]:
    """Be the committer of a signed-in caller's request: sets the tenant, honours Idempotency-Key, commits before the answer is sent."""
    given = request.headers.get("idempotency-key")
    runtime = runtime_of(request)
    async with _keeping(runtime.engine, principal.organization_id) as session:
        request.state.session = session
        session.info[ADDRESS] = _address(request)
        if given is None or request.method in {"GET", "HEAD"}:
            yield session
            return
        body = await (request.imprint() if isinstance(request, JsonRequest) else request.body())
        print_ = idempotency.fingerprint(request.method, request.url.path, request.scope["query_string"], body)
        key = idempotency.Key(principal.organization_id, str(principal.account_id), given, print_)
        stored = await idempotency.begin(session, runtime.seal, key)
        if stored is not None:
            raise Replay(stored)
        yield session
        await session.flush()
        await idempotency.finish(session, runtime.seal, key, request.state.answer)


async def _open_session(request: Request, _open: Annotated[None, Depends(_anyone)]) -> AsyncIterator[Session]:
    """The committer of a request without a caller; the command enters the tenant that it finds."""
    async with db.transaction(runtime_of(request).engine) as session:
        request.state.session = session
        yield session


TenantSession = Annotated[Session, Depends(tenant_session, scope="function")]
"""The transaction of a signed-in caller's request."""
OpenSession = Annotated[Session, Depends(_open_session, scope="function")]
"""The transaction of a public route; no tenant until the command enters one."""


async def on_replay(_request: Request, replay: Exception) -> Response:
    """Answer with what was stored."""
    assert isinstance(replay, Replay)  # noqa: S101  narrows for the type checker
    return replay.answer


async def on_database_error(request: Request, error: Exception) -> Response:
    """Answer 503 while the database is away, to be asked again.

    Raises the error when it is the statement's own fault, or when the request is going to be done again.
    """
    if not is_outage(error) or (is_contention(error) and can_retry(request.scope)):
        raise error
    if is_contention(error):
        detail = "Others are changing the same things at this moment: try again."
        return render(Problem(503, "contended", detail, headers={"Retry-After": "1"}))
    # Without the statement and its values, which may be somebody's words.
    log.warning("database_away", error=type(error).__name__, detail=str(getattr(error, "orig", error))[:200])
    return render(
        Problem(503, "database-unavailable", "The database is away: try again.", headers={"Retry-After": "1"})
    )


async def on_unexpected(_request: Request, _error: Exception) -> Response:
    """Answer 500 as a problem; the log has the traceback."""
    return render(Problem(500, "internal-error", "Something went wrong here. The trace id finds it in the log."))


async def if_match(request: Request) -> int:
    """Return the version that If-Match names. Raises Problem 428 when it is missing, 412 when it is none."""
    value = request.headers.get("if-match")
    if value is None:
        raise Problem(428, "if-match-missing", "Send If-Match with the ETag that you read.")
    digits = value.strip().strip('"')
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:  # noqa: PLR2004  digits of a bigint
        raise Problem(412, "version-stale", "If-Match names no version of this resource.")
    return int(digits)


IfMatch = Annotated[int, Depends(if_match)]
"""The version that the caller read. Raises Problem 428 when missing."""


def check_version(expected: int, version: int) -> None:
    """Raise Problem 412 unless the resource still has the version that the caller read."""
    if expected != version:
        raise Problem(
            412, "version-stale", "It changed since you read it: read again.", headers={"ETag": f'"{version}"'}
        )


def tag(response: Response, version: int) -> None:
    """Put the resource's version into the ETag."""
    response.headers["ETag"] = f'"{version}"'
