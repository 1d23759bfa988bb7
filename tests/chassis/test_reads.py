"""What is worked out once answers as FastAPI does: the same values, the same faults, the same refusals in the same order."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import httpx
import orjson
import pytest
from fastapi import Depends, FastAPI, Header, Query, Request, Response

from chassis import errors, reads
from chassis.errors import Problem
from chassis.requests import Route

KNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


class Order(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"


async def caller(request: Request) -> str:
    if "authorization" not in request.headers:
        raise Problem(401, "token-missing")
    return request.headers["authorization"]


Caller = Annotated[str, Depends(caller)]


async def place(who: Caller, place_id: UUID) -> str:
    if who == "stranger":
        raise Problem(403, "forbidden")
    return f"{who} at {place_id}"


async def guard(_who: Caller, level: Annotated[int, Query(le=9)] = 1) -> None:
    if level > 5:
        raise Problem(403, "level")


async def read(  # noqa: PLR0917  one parameter per kind
    request: Request,
    where: Annotated[str, Depends(place)],
    who: Caller,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    order: Order = Order.NEWEST,
    author: UUID | None = None,
    text: Annotated[str | None, Query(max_length=5, alias="q")] = None,
) -> Response:
    answer = {"where": where, "who": who, "limit": limit, "order": order, "author": author, "text": text}
    return Response(orjson.dumps({**answer, "path": request.url.path}), media_type="application/json")


async def read_required(where: Annotated[str, Depends(place)], since: float, all_of_it: bool) -> Response:  # noqa: FBT001  what FastAPI reads
    return Response(orjson.dumps([where, since, all_of_it]))


def client() -> httpx.AsyncClient:
    app = FastAPI()
    for path, endpoint in (("/places/{place_id}", read), ("/places/{place_id}/required", read_required)):
        app.router.routes.append(Route(path, endpoint, methods=["GET"], dependencies=[Depends(guard)]))
    errors.install(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service")


@pytest.mark.parametrize("who", [None, "stranger", "member"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "limit=7&order=oldest&q=words",
        f"author={KNOWN}&limit=1&limit=2",
        "limit=0",
        "limit=x&order=sideways&q=longer&author=nobody",
        "limit=&q=",
        "level=7",
        "level=x&limit=0",
        "level=10",
        "unknown=1",
        "since=1.5&all_of_it=true",
        "since=x",
    ],
)
@pytest.mark.parametrize("path", [f"/places/{KNOWN}", "/places/nowhere", f"/places/{KNOWN}/required"])
async def test_it_answers_as_fastapi_does(
    monkeypatch: pytest.MonkeyPatch, path: str, query: str, who: str | None
) -> None:
    headers = {"Authorization": who} if who else {}
    async with client() as ours:
        got = await ours.get(f"{path}?{query}", headers=headers)
    monkeypatch.setattr(reads, "handler", lambda _route: None)
    async with client() as fastapis:
        wanted = await fastapis.get(f"{path}?{query}", headers=headers)
    assert (got.status_code, _comparable(got.content)) == (wanted.status_code, _comparable(wanted.content))


def _comparable(content: bytes) -> Any:
    document = orjson.loads(content)
    if isinstance(document, dict):
        document.pop("trace_id", None)
    if isinstance(document, dict) and "errors" in document:
        document["errors"] = sorted(document["errors"], key=orjson.dumps)
    return document


def generator() -> Any:
    yield 1


def in_a_thread() -> int:
    return 1


async def answers_a_model(limit: int = 1) -> dict[str, int]:
    return {"limit": limit}


async def takes_a_list(names: Annotated[list[str], Query()]) -> Response:
    return Response(names[0])


async def takes_a_header(name: Annotated[str, Header()]) -> Response:
    return Response(name)


async def sets_a_header(response: Response) -> Response:
    return response


async def needs_a_generator(one: Annotated[int, Depends(generator)]) -> Response:
    return Response(str(one))


async def needs_a_thread(one: Annotated[int, Depends(in_a_thread)]) -> Response:
    return Response(str(one))


def test_what_is_plain_is_taken_over() -> None:
    assert reads.handler(Route("/places/{place_id}", read, methods=["GET"])) is not None
    assert reads.handler(Route("/places/{place_id}", read, methods=["POST"])) is None


@pytest.mark.parametrize(
    "endpoint",
    [answers_a_model, takes_a_list, takes_a_header, sets_a_header, needs_a_generator, needs_a_thread],
)
def test_what_is_not_plain_stays_with_fastapi(endpoint: Any) -> None:
    assert reads.handler(Route("/", endpoint, methods=["GET"])) is None
