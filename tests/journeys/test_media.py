"""A picture and a film over the real stack: through the gateway in parts, into a post, out again by a signed address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.content.media import pictures
from tests.journeys.callers import Caller, Town, found_town
from tests.stack_fixture import LiveStack

MIB = 2**20


@pytest.fixture(scope="module")
def town(stack: LiveStack) -> Iterator[Town]:
    town = found_town(stack.base_url)
    yield town
    town.close()


def send(caller: Caller, media: dict[str, Any], data: bytes, offset: int = 0) -> httpx.Response:
    """Send a part as an app does."""
    return caller.http.put(f"/v1/media/{media['id']}/content", content=data, headers={"Upload-Offset": str(offset)})


def test_a_picture_and_a_film_go_in_and_out(stack: LiveStack, town: Town) -> None:
    author = town.member("lin")
    picture = pictures.photograph(tail=pictures.HTML)
    began = author.ask(
        "POST", "/v1/media", {"kind": "image", "name": "../a.jpg", "size": len(picture)}, status=201
    ).json()
    assert send(author, began, picture).status_code == 200
    shown = author.ask("POST", f"/v1/media/{began['id']}/complete").json()
    film = pictures.MP4 + bytes(10 * MIB)
    began = author.ask("POST", "/v1/media", {"kind": "video", "name": "a.mp4", "size": len(film)}, status=201).json()
    assert send(author, began, film).status_code == 413
    offset = 0
    while offset < len(film):
        sent = send(author, began, film[offset : offset + 4 * MIB], offset)
        assert sent.status_code == 200, sent.text
        offset = sent.json()["offset"]
    watched = author.ask("POST", f"/v1/media/{began['id']}/complete").json()
    author.ask("POST", f"{town.path}/posts", {"body": f"![a](media:{shown['id']})"}, status=201)
    with httpx.Client(base_url=stack.base_url, trust_env=False) as anyone:
        assert anyone.get(f"/v1/media/{shown['id']}").status_code == 401
        drawn = anyone.get(shown["variants"]["original"]["url"])
        assert drawn.headers["content-type"] == "image/jpeg"
        assert b"script" not in drawn.content
        url = watched["variants"]["original"]["url"]
        assert anyone.get(url).content == film
        part = anyone.get(url, headers={"Range": f"bytes={4 * MIB - 5}-{4 * MIB + 4}"})
        assert (part.status_code, part.content) == (206, film[4 * MIB - 5 : 4 * MIB + 5])
        assert part.headers["content-disposition"].startswith("attachment")
        assert anyone.get(url[:-1] + ("B" if url[-1] == "A" else "A")).status_code == 403
