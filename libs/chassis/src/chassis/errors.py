"""RFC 9457 problems: every error knows its status, and one renderer turns it into an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:hearth:problem:"
TAG = "kind"
"""The field by which every tagged union of ours tells its members apart."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a request: where (JSON pointer, RFC 6901), a stable code and words."""

    pointer: str
    code: str
    detail: str


class Problem(HTTPException):
    """An answer that says what went wrong. `code` is stable and becomes the problem's type URI."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers) if headers else None)
        self.code = code
        self.errors = tuple(errors)
        self.more = dict(more or {})

    def document(self) -> dict[str, Any]:
        """Return the problem document."""
        document: dict[str, Any] = {
            "type": TYPE_PREFIX + self.code,
            "title": HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.detail or HTTPStatus(self.status_code).description,
            "trace_id": format(trace.get_current_span().get_span_context().trace_id, "032x"),
        }
        if self.errors:
            document["errors"] = [fault.__dict__ for fault in self.errors]
        return document | self.more


class KeptProblem(Problem):
    """A refusal that is a fact itself: what the session wrote until then, events too, is committed before it is answered.

    Raise it before anything is written that must not stay.
    """


def render(problem: Problem) -> Response:
    """Turn a problem into a response."""
    return Response(
        orjson.dumps(problem.document()),
        problem.status_code,
        headers=dict(problem.headers or {}),
        media_type=MEDIA_TYPE,
    )


def pointer(location: Sequence[str | int]) -> str:
    """Return the JSON pointer of pydantic's location, with the source (body, query, path, header) as its first step when not the body."""
    steps = list(location)
    if steps and steps[0] == "body":
        steps = steps[1:]
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def in_body(location: Sequence[str | int], body: Any) -> list[str | int]:  # noqa: ANN401  any JSON
    """Return pydantic's location without the steps that name the member of a tagged union: the body has no such places."""
    steps: list[str | int] = []
    here, named = body, False
    for step, following in zip(location, [*location[1:], None], strict=True):
        if isinstance(here, dict) and here.get(TAG) == step and not named:
            # What is wrong with a member as a whole ends in its name; a field of that name is there to be pointed at.
            named = isinstance(following, str) or (following is None and step not in here)
            if named:
                continue
        steps.append(step)
        named = False
        if isinstance(here, dict):
            here = here.get(step)
        else:
            here = here[step] if isinstance(here, list) and isinstance(step, int) and step < len(here) else None
    return steps


def not_found(what: str) -> Problem:
    """404: it does not exist for this caller."""
    return Problem(404, "not-found", f"There is no such {what}.")


def invalid(at: str, code: str, detail: str) -> Problem:
    """422 about one place of the body."""
    return Problem(422, "invalid", "The request is well-formed and not acceptable.", errors=[Fault(at, code, detail)])


async def _on_validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  narrows for the type checker
    for item in error.errors():
        if item["type"] == "json_invalid":
            # What is no JSON has no places: its location is a position.
            fault = Fault("", "json-invalid", f"It goes wrong at character {item['loc'][-1]}.")
            return render(Problem(400, "malformed-json", "The body is not JSON.", errors=[fault]))
    faults = [
        Fault(pointer(in_body(item["loc"], {"body": error.body})), item["type"].replace("_", "-"), item["msg"])
        for item in error.errors()
    ]
    return render(Problem(422, "invalid", "The request does not match what this route accepts.", errors=faults[:50]))


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  narrows for the type checker
    if isinstance(error, Problem):
        return render(error)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return render(Problem(error.status_code, code, error.detail, headers=error.headers))


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
