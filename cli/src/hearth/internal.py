"""The internal ports of the processes, called with the operations token; never the gateway's public one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from hearth.client import ClientError, readable
from hearth.stack_folder import GATEWAY, Folder, StackError, read_object

URLS_VARIABLE: Final = "HEARTH_INTERNAL_URLS"
TOKEN_VARIABLE: Final = "HEARTH_OPS_TOKEN"  # noqa: S105 - the variable's name
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404


def owner_of(event_type: str) -> str:
    """Return the process that owns events of this type: what partners cause, the gateway tells."""
    owner = event_type.partition(".")[0]
    return GATEWAY if owner == "partners" else owner


@dataclass(frozen=True)
class Deployment:
    """Which processes there are, at which internal addresses, and the token they accept."""

    urls: Mapping[str, str]
    token: str = field(repr=False)
    folder: Folder | None = None

    @property
    def services(self) -> list[str]:
        """The processes with an outbox and consumers of their own."""
        return list(self.urls)


def find_deployment(data: Path, environ: Mapping[str, str] | None = None) -> Deployment:
    """Return the deployment that the environment names, else the local stack over `data`. Raises StackError."""
    environ = os.environ if environ is None else environ
    named = environ.get(URLS_VARIABLE)
    if named:
        token = environ.get(TOKEN_VARIABLE)
        if not token:
            raise StackError(f"{URLS_VARIABLE} is set: set {TOKEN_VARIABLE} too")
        return Deployment(_parse(named), token)
    folder = Folder.at(data)
    processes = folder.read_state().get("processes", {})
    urls = {name: process["internal_url"] for name, process in processes.items() if process.get("internal_url")}
    token = str(read_object(folder.secrets).get("ops_token") or "")
    if not urls or not token:
        raise StackError(
            f"no stack is up on {folder.root}: start it with `hearth up`, or name the internal addresses of another"
            f" deployment with {URLS_VARIABLE} and {TOKEN_VARIABLE}"
        )
    return Deployment(urls, token, folder)


def _parse(named: str) -> dict[str, str]:
    urls = {}
    for part in filter(None, (piece.strip() for piece in named.split(","))):
        name, equals, address = part.partition("=")
        if not equals or not name or not address.startswith(("http://", "https://")):
            raise StackError(f"{URLS_VARIABLE} reads members=http://host:port,content=http://...; {part!r} does not")
        urls[name.strip()] = address.strip().rstrip("/")
    return urls


class Operator:
    """Calls the internal ports. Use it with `with`."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {deployment.token}", "User-Agent": "hearth-cli"},
            timeout=httpx.Timeout(60.0, connect=5.0),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, process: str, path: str, **params: str | int) -> Any:  # noqa: ANN401 - any JSON
        """Return the JSON that `process` answers. Raises ClientError."""
        return self._call(process, "GET", path, params=params)

    def post(
        self,
        process: str,
        path: str,
        body: Mapping[str, object] | None = None,
        timeout: float = 600.0,
    ) -> Any:  # noqa: ANN401 - any JSON
        """Let `process` do something, which may take `timeout` seconds, and return its JSON. Raises ClientError."""
        return self._call(process, "POST", path, json=dict(body or {}), timeout=timeout)

    def probe(self, process: str, path: str) -> httpx.Response | None:
        """Ask without a token what a load balancer would ask; None when nobody answers within 5 seconds."""
        try:
            return self._http.get(f"{self.deployment.urls[process]}{path}", headers={"Authorization": ""}, timeout=5.0)
        except httpx.HTTPError:
            return None

    def _call(self, process: str, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - httpx's own
        url = self.deployment.urls[process]
        try:
            answer = self._http.request(method, f"{url}{path}", **options)
        except httpx.HTTPError as error:
            raise ClientError(
                f"{process} cannot be reached at its internal port {url}: {_reason(error)}. Is it up? `hearth doctor` tells."
            ) from error
        _check(process, answer)
        try:
            return answer.json()
        except ValueError as error:
            raise ClientError(f"{process} answered {path} with something that is not JSON") from error


async def stream(deployment: Deployment, process: str, path: str) -> AsyncIterator[str]:
    """Yield the lines that `process` streams, until it ends the stream. Raises ClientError."""
    headers = {"Authorization": f"Bearer {deployment.token}"}
    timeout = httpx.Timeout(5.0, read=None)
    try:
        async with (
            httpx.AsyncClient(headers=headers, timeout=timeout, trust_env=False) as http,
            http.stream("GET", f"{deployment.urls[process]}{path}") as answer,
        ):
            if not answer.is_success:
                await answer.aread()
                _check(process, answer)
            async for line in answer.aiter_lines():
                yield line
    except httpx.HTTPError as error:
        raise ClientError(f"{process} cannot be reached at its internal port: {_reason(error)}") from error


def _check(process: str, answer: httpx.Response) -> None:
    if answer.is_success:
        return
    if answer.status_code == _UNAUTHORIZED:
        raise ClientError(f"{process} refuses the operations token")
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    request = f"{process} {answer.request.method} {answer.request.url.path}"
    raise ClientError(readable(answer.status_code, problem if isinstance(problem, dict) else {}, request))


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
