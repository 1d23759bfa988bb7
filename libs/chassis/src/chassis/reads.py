"""Routes that only read: where their arguments come from is worked out once, and not for each request, as FastAPI does.

That search costs more than a hot read itself. Only what is plain is taken over: GET, awaited dependencies, single values from path
and query, an answer that is a Response. Everything else, and the document, stays with FastAPI; both answer the same to the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from fastapi import params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_typed_return_annotation
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]

_SINGLE = (str, int, float, bool, UUID, datetime)
_FAILED: Any = object()


class _NotPlain(Exception):  # noqa: N818  no error: the route stays with FastAPI
    """Something that FastAPI has to do."""


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A value of the path or the query; `validate` is FastAPI's: raw value in, value and faults out."""

    name: str
    source: str
    alias: str
    required: bool
    default: Any
    validate: Callable[..., tuple[Any, list[Any]]]

    def read(self, raw: str | None) -> tuple[Any, list[Any]]:
        """Return the value, and what is wrong with it."""
        place = (self.source, self.alias)
        if raw is None:
            return None, [{"type": "missing", "loc": place, "msg": "Field required", "input": None}]
        return self.validate(raw, {}, loc=place)


@dataclass(frozen=True, slots=True)
class _Step:
    """A function to call, a dependency or in the end the route's own; `results` are its parameters from earlier steps."""

    call: Callable[..., Awaitable[Any]]
    parameters: tuple[_Parameter, ...]
    results: tuple[tuple[str | None, int], ...]
    request: str | None


def handler(route: APIRoute) -> Handler | None:
    """Return what answers a route that only reads; None when that is FastAPI's to do."""
    endpoint: Any = route.dependant.call
    if route.methods != {"GET"} or get_typed_return_annotation(endpoint) is not Response:
        return None
    steps: list[_Step] = []
    try:
        _plan(route.dependant, steps, {})
    except _NotPlain:
        return None

    async def handle(request: Request) -> Response:
        answer: Response = await _take(steps, request)
        return answer

    return handle


def _plan(dependant: Dependant, steps: list[_Step], known: dict[Any, int]) -> int:
    """Append the steps of a dependency, after those that it needs, and return its place. Raises _NotPlain."""
    call: Any = dependant.call
    if dependant.use_cache and call in known:
        return known[call]
    if not _is_plain(dependant):
        raise _NotPlain
    results = tuple((needed.name, _plan(needed, steps, known)) for needed in dependant.dependencies)
    parameters = tuple(_parameter(field) for field in (*dependant.path_params, *dependant.query_params))
    steps.append(_Step(call, parameters, results, dependant.request_param_name))
    known[call] = len(steps) - 1
    return known[call]


def _is_plain(dependant: Dependant) -> bool:
    call: Any = dependant.call
    awaited = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
    more = (
        *dependant.header_params,
        *dependant.cookie_params,
        *dependant.body_params,
        dependant.concurrency,
        dependant.websocket_param_name,
        dependant.http_connection_param_name,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
    )
    return awaited and not any(more)


def _parameter(field: Any) -> _Parameter:  # noqa: ANN401  of a module that FastAPI keeps to itself
    info: params.Param = field.field_info
    required = info.is_required()
    default = None if required else info.default
    alias = info.validation_alias or field.alias
    given = required or (info.default_factory is None and not info.validate_default and _is_single(type(default)))
    if not given or not _is_single(info.annotation) or not isinstance(alias, str):
        raise _NotPlain
    return _Parameter(field.name, info.in_.value, alias, required, default, field.validate)


def _is_single(annotation: Any) -> bool:  # noqa: ANN401  any type
    """Whether a type means one plain value, or none."""
    kinds = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    return all(isinstance(kind, type) and (kind in {*_SINGLE, NoneType} or issubclass(kind, Enum)) for kind in kinds)


async def _take(steps: list[_Step], request: Request) -> Any:  # noqa: ANN401  what the last step returns
    """Take the steps. Raises RequestValidationError with every fault; what depends on a faulty value is not called."""
    sources: dict[str, Mapping[str, Any]] = {"path": request.path_params, "query": request.query_params}
    faults: list[Any] = []
    results: list[Any] = []
    for step in steps:
        values, failed = {}, False
        for name, place in step.results:
            failed = failed or results[place] is _FAILED
            if name is not None:
                values[name] = results[place]
        for parameter in step.parameters:
            raw = sources[parameter.source].get(parameter.alias)
            if raw is None and not parameter.required:
                values[parameter.name] = parameter.default
                continue
            values[parameter.name], wrong = parameter.read(raw)
            faults += wrong
            failed = failed or bool(wrong)
        if step.request is not None:
            values[step.request] = request
        results.append(_FAILED if failed else await step.call(**values))
    if faults:
        raise RequestValidationError(faults)
    return results[-1]
