"""A small synchronous client of Hearth's API: signs in, keeps its token fresh, and rides out restarts and rate limits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Final, Self
from uuid import uuid4

import httpx
import typer

DEFAULT_DATA: Final = Path(".hearth")
CREDENTIALS_FILE: Final = "credentials.json"

RETRY_BUDGET: Final = 60.0
"""Seconds that one call may spend on retrying a server that is away."""
RATE_LIMIT_BUDGET: Final = 600.0
"""Seconds that one call may spend waiting because it was told to slow down."""
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
LONGEST_RETRY_AFTER: Final = 60.0
EXPIRY_MARGIN: Final = 30.0
"""Seconds before a token's expiry at which it is refreshed."""
MAX_AFTER_CHARS: Final = 6000
"""Length of one Hearth-After header: servers refuse header lines of more than about 8,000 bytes."""

UNAVAILABLE: Final = frozenset({502, 503, 504})
UNAUTHORIZED: Final = 401
CONFLICT: Final = 409
TOO_MANY_REQUESTS: Final = 429
FIRST_ERROR: Final = 400

DataOption = Annotated[
    Path,
    typer.Option("--data", envvar="HEARTH_DATA", help="Folder of the local stack, with credentials.json."),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(
        "--base-url", envvar="HEARTH_BASE_URL", help="Address of the gateway, instead of the one in credentials.json."
    ),
]


class ClientError(Exception):
    """What went wrong, in one line for the person at the terminal."""


class ApiError(ClientError):
    """The API answered with a problem document (or another error)."""

    def __init__(self, status: int, problem: Mapping[str, Any], request: str) -> None:
        self.status = status
        self.type = str(problem.get("type") or "about:blank")
        self.problem = dict(problem)
        super().__init__(readable(status, problem, request))


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where Hearth is and who signs in."""

    base_url: str
    email: str
    password: str = field(repr=False)
    organization_id: str
    community_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API: parsed JSON (None when empty), what was written, and the version that was read."""

    status: int
    body: Any
    positions: tuple[str, ...] = ()
    etag: str | None = None


def load_credentials(data: Path, base_url: str | None = None) -> Credentials:
    """Read `data/credentials.json`; `base_url` takes the place of the one in it. Raises ClientError when it cannot be used."""
    path = data / CREDENTIALS_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        address = str(base_url or content["base_url"]).rstrip("/")
        if httpx.URL(address).scheme not in {"http", "https"} or not httpx.URL(address).host:
            raise ClientError(f"{address!r} is not the address of a gateway (http://... or https://...)")
        return Credentials(
            base_url=address,
            email=str(content["email"]),
            password=str(content["password"]),
            organization_id=str(content["organization_id"]),
            community_id=str(content["community_id"]) if content.get("community_id") else None,
        )
    except FileNotFoundError:
        raise ClientError(
            f"{path} is not there. Start the stack with `hearth up`, or name its folder with --data."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, httpx.InvalidURL) as error:
        raise ClientError(f"{path} is not a credentials file that `hearth up` wrote: {error}") from error


def encode(body: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write JSON the way this client sends it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def readable(status: int, problem: Mapping[str, Any], request: str) -> str:
    """Return a problem document as one line."""
    title = str(problem.get("title") or "The request failed")
    detail = str(problem.get("detail") or "")
    text = f"{title}: {detail}" if detail and detail != title else title
    errors = problem.get("errors")
    if isinstance(errors, list):
        places = [
            f"{error.get('pointer') or error.get('code') or '?'} {error.get('detail') or ''}".strip()
            for error in errors
            if isinstance(error, dict)
        ]
        if places:
            text += f" ({'; '.join(places)})"
    trace = problem.get("trace_id")
    return f"{text} [{request} answered {status}{f', trace {trace}' if trace else ''}]"


def chunks_of(positions: Iterable[str], limit: int = MAX_AFTER_CHARS) -> list[str]:
    """Return positions joined into Hearth-After headers of at most `limit` characters each; each position once."""
    headers: list[str] = []
    current = ""
    for position in dict.fromkeys(positions):
        joined = f"{current}, {position}" if current else position
        if current and len(joined) > limit:
            headers.append(current)
            current = position
        else:
            current = joined
    return [*headers, current] if current else headers


class Client:
    """A signed-in caller of one Hearth. Not for use by several threads at once. Close it, or use it with `with`."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.credentials = credentials
        self._sleep = sleep
        self._monotonic = monotonic
        self._http = httpx.Client(
            base_url=credentials.base_url,
            transport=transport,
            timeout=httpx.Timeout(60.0, connect=5.0),
            headers={"Accept": "application/json, application/problem+json", "User-Agent": "hearth-cli"},
            trust_env=False,  # a proxy of the environment must not see a local stack's password
        )
        self._token: str | None = None
        self._refresh_token: str | None = None
        self._refresh_at = 0.0

    @classmethod
    def from_data(cls, data: Path, base_url: str | None = None) -> Self:
        """Return a client for the stack whose folder is `data`. Raises ClientError."""
        return cls(load_credentials(data, base_url))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None, *, after: str | None = None) -> Answer:
        """GET `path`. `after` is a Hearth-After header. Raises ApiError, ClientError."""
        headers = {"Hearth-After": after} if after else {}
        return self._call(self._http.build_request("GET", path, params=params, headers=headers))

    def post(self, path: str, body: Any, *, after: str | None = None, etag: str | None = None) -> Answer:  # noqa: ANN401 - any JSON
        """POST JSON under an Idempotency-Key, so that a repeated attempt takes effect once. Raises ApiError, ClientError."""
        return self.post_content(path, encode(body), after=after, etag=etag)

    def post_content(self, path: str, content: bytes, *, after: str | None = None, etag: str | None = None) -> Answer:
        """POST JSON that is already written out. Raises ApiError, ClientError."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        if after:
            headers["Hearth-After"] = after
        if etag:
            headers["If-Match"] = etag
        return self._call(self._http.build_request("POST", path, content=content, headers=headers))

    def upload(self, path: str, content: bytes, media_type: str, params: Mapping[str, str]) -> Answer:
        """POST a file under an Idempotency-Key. Raises ApiError, ClientError."""
        headers = {"Content-Type": media_type, "Idempotency-Key": str(uuid4())}
        return self._call(self._http.build_request("POST", path, content=content, headers=headers, params=dict(params)))

    def put(self, path: str, body: Any, *, etag: str) -> Answer:  # noqa: ANN401 - any JSON
        """PUT JSON onto the version that was read. Raises ApiError, ClientError."""
        headers = {"Content-Type": "application/json", "If-Match": etag}
        return self._call(self._http.build_request("PUT", path, content=encode(body), headers=headers))

    def delete(self, path: str) -> Answer:
        """DELETE `path`. Raises ApiError, ClientError."""
        return self._call(self._http.build_request("DELETE", path))

    def download(self, path: str) -> bytes:
        """GET a file. Raises ApiError, ClientError."""
        request = self._http.build_request("GET", path, headers={"Accept": "*/*"})
        return self._authorized(request).content

    def settle(self, path: str, positions: Iterable[str]) -> None:
        """Wait until the service behind GET `path` has all of `positions`. Raises ApiError, ClientError."""
        for after in chunks_of(positions):
            self.get(path, after=after)

    def find_community(self, slug: str) -> dict[str, Any] | None:
        """Return the community of this slug, or None. Raises ApiError, ClientError."""
        found = self.get("/v1/communities", {"slug": slug}).body
        communities = found.get("data") if isinstance(found, dict) else None
        if not isinstance(communities, list):
            raise ClientError(f"{self.credentials.base_url} answered something that is not a list of communities")
        return next((item for item in communities if isinstance(item, dict) and item.get("slug") == slug), None)

    def get_community(self, slug: str) -> dict[str, Any]:
        """Return the community of this slug. Raises ClientError when there is none, ApiError."""
        found = self.find_community(slug)
        if found is None:
            raise ClientError(f"There is no community {slug}.")
        return found

    def _call(self, request: httpx.Request) -> Answer:
        """Call as the signed-in account; a token that is refused is renewed once."""
        return _answer(self._authorized(request))

    def _authorized(self, request: httpx.Request) -> httpx.Response:
        for attempt in range(2):
            request.headers["Authorization"] = f"Bearer {self._fresh_token()}"
            response = self._send(request)
            if response.status_code != UNAUTHORIZED or attempt:
                break
            self._refresh_at = 0.0
        if response.status_code >= FIRST_ERROR:
            _answer(response)
        return response

    def _fresh_token(self) -> str:
        if self._token is not None and self._monotonic() < self._refresh_at:
            return self._token
        session = self._refresh() if self._refresh_token else None
        session = session or self._sign_in()
        try:
            token, self._refresh_token = str(session["access_token"]), str(session["refresh_token"])
            lifetime = float(session["expires_in"])
        except (KeyError, TypeError, ValueError) as error:
            raise ClientError(f"{self.credentials.base_url} answered a session that is not one") from error
        # a token of short life is used for at least half of it, else each call would renew it
        self._refresh_at = self._monotonic() + max(lifetime - EXPIRY_MARGIN, lifetime / 2)
        self._token = token
        return token

    def _sign_in(self) -> dict[str, Any]:
        body = {
            "organization": self.credentials.organization_id,
            "email": self.credentials.email,
            "password": self.credentials.password,
        }
        return _session(self._send(self._http.build_request("POST", "/v1/sessions", json=body)))

    def _refresh(self) -> dict[str, Any] | None:
        """Return a renewed session, or None when the old one is gone and one must sign in anew."""
        body = {"refresh_token": self._refresh_token}
        self._refresh_token = None
        response = self._send(self._http.build_request("POST", "/v1/sessions/refresh", json=body))
        return None if response.is_client_error else _session(response)

    def _send(self, request: httpx.Request) -> httpx.Response:
        """Send one request, repeating it while the server is away, restarting, behind or limiting us."""
        pause, started, limited = FIRST_PAUSE, self._monotonic(), 0.0
        while True:
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                if self._monotonic() - started - limited + pause > RETRY_BUDGET:
                    raise ClientError(
                        f"{self.credentials.base_url} cannot be reached: {error or type(error).__name__}."
                        " Is the stack up? `hearth up` starts it."
                    ) from error
                wait = pause
            else:
                if not _worth_repeating(response):
                    return response
                wait = max(pause, _retry_after(response))
                if response.status_code == TOO_MANY_REQUESTS:
                    limited += wait
                    exhausted = limited > RATE_LIMIT_BUDGET
                else:
                    exhausted = self._monotonic() - started - limited + wait > RETRY_BUDGET
                if exhausted:
                    return response
            self._sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)


def _worth_repeating(response: httpx.Response) -> bool:
    """Return whether the same request may well succeed later."""
    if response.status_code == CONFLICT:
        # an earlier attempt whose answer was lost is still at work under the same Idempotency-Key
        return "idempotency" in str(_problem(response).get("type"))
    return response.status_code in UNAVAILABLE or response.status_code == TOO_MANY_REQUESTS


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds that the answer asks to wait; 0 when it does not say so in seconds (Hearth sends no dates)."""
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_RETRY_AFTER) if asked.isascii() and asked.isdecimal() else 0.0


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"title": response.reason_phrase or "The request failed"}


def _answer(response: httpx.Response) -> Answer:
    if response.status_code >= FIRST_ERROR:
        raise ApiError(
            response.status_code, _problem(response), f"{response.request.method} {response.request.url.path}"
        )
    try:
        body = response.json() if response.content else None
    except ValueError as error:
        raise ClientError(f"{response.request.url} answered something that is not JSON") from error
    written = response.headers.get("Hearth-Position", "")
    positions = tuple(part for part in (piece.strip() for piece in written.split(",")) if part)
    return Answer(response.status_code, body, positions, response.headers.get("ETag"))


def _session(response: httpx.Response) -> dict[str, Any]:
    body = _answer(response).body
    if not isinstance(body, dict):
        raise ClientError(f"{response.request.url} answered a session that is not one")
    return body
