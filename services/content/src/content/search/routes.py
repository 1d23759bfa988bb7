"""Search over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from chassis.app import router
from chassis.auth import MemberReading
from chassis.pagination import CursorText
from chassis.schemas import Page
from content.search import queries
from content.search.policy import LONGEST_QUERY
from content.search.schemas import SearchHitOut
from contracts.content import SubjectKind

routes = router("search")

Words = Annotated[
    str,
    Query(
        min_length=1,
        max_length=LONGEST_QUERY,
        description="one character or more; every term between blanks has to be there, and letters are found where a word begins",
        examples=["单词"],
    ),
]
KindOfHit = Annotated[SubjectKind | None, Query(description="only posts, or only comments")]
HitLimit = Annotated[int, Query(ge=1, le=queries.MOST_HITS, description="how many at the most")]


@routes.get("/v1/communities/{community_id}/search", response_model=Page[SearchHitOut])
async def search_community(
    reading: MemberReading, *, q: Words, kind: KindOfHit = None, limit: HitLimit = 20, cursor: CursorText = None
) -> Response:
    """Search posts and comments, Chinese and English alike, whatever the case and the width of the letters.

    Posts whose title has every term come first, then texts, each newest first. Hits are given as ranges of characters.
    """
    page = await queries.search(reading, q, kind, limit=limit, cursor=cursor)
    return Response(page.model_dump_json(), media_type="application/json")
