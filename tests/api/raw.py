"""Requests as bytes, for what no HTTP client would send, and what a refusal must look like."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

PROBLEM = "application/problem+json"


@dataclass
class Answer:
    """An answer to bytes."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)


def send(base_url: str, request: bytes, *, method: str = "GET") -> Answer | None:
    """Send bytes on a connection of their own and return the answer; None when the connection was closed without one."""
    place = urlsplit(base_url)
    assert place.hostname is not None
    with socket.create_connection((place.hostname, place.port or 80), timeout=30) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it had all
            connection.sendall(request)
        response = http.client.HTTPResponse(connection, method=method)
        try:
            response.begin()
            content = response.read()
        except (http.client.BadStatusLine, ConnectionResetError):
            return None
        finally:
            response.close()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


def request(
    method: str, target: str, *headers: str, token: str | None = None, body: bytes = b"", host: str = "hearth.example"
) -> bytes:
    """A request's bytes: its lines are sent as they are, in Latin-1."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


def refused(
    answer: httpx.Response | Answer | None, statuses: int | Iterable[int], at: str | None = None
) -> dict[str, Any]:
    """Check that an answer is a refusal of one of the statuses as a problem document, about the place `at` when one is given."""
    assert answer is not None, "the connection was closed without an answer"
    wanted = {statuses} if isinstance(statuses, int) else set(statuses)
    assert answer.status_code in wanted, f"{answer.status_code}, not {wanted}: {answer.text[:500]}"
    assert answer.headers["content-type"] == PROBLEM, answer.headers
    problem: dict[str, Any] = answer.json()
    assert problem["type"].startswith("urn:hearth:problem:")
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert problem["detail"]
    assert problem["trace_id"].strip("0"), "a trace id finds the request in the log"
    if at is not None:
        assert at in [fault["pointer"] for fault in problem["errors"]], problem
        assert all(fault["code"] and fault["detail"] for fault in problem["errors"])
    return problem
