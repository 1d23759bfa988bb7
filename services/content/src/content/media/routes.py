"""Media over HTTP."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from chassis import clock, positions
from chassis.app import router
from chassis.auth import Anyone, Person
from chassis.errors import Problem, not_found
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, TenantSession, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from content.media import commands, policy, queries
from content.media.policy import UNSATISFIABLE, Span, Variant
from content.media.schemas import (
    BYTES,
    CONTENT,
    AvatarsAsked,
    AvatarsFound,
    MediaAsked,
    MediaCreate,
    MediaFound,
    MediaOut,
)
from content.media.stores import opened

routes = router("media")

UploadOffset = Annotated[
    int, Header(ge=0, le=2**40, description="where in the file this part starts: what `offset` says", examples=[0])
]
SAFE = {
    # Whatever a browser makes of it, it runs nothing and loads nothing.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "Accept-Ranges": "bytes",
}


@routes.post("/v1/media", status_code=201, responses=problems(409, 413))
async def begin_upload(session: TenantSession, person: Person, body: MediaCreate, response: Response) -> MediaOut:
    """Begin an upload: say what it is to be, its name and its size, then send the bytes. It has to be finished within a day."""
    media = await commands.begin(session, person, body)
    tag(response, media.version)
    return queries.out(opened.of_session(session), person, media)


@routes.get("/v1/media")
async def list_uploads(
    request: Request, session: TenantSession, person: Person, *, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Page[MediaOut]:
    """List the caller's own uploads, newest first."""
    rows, more = await queries.list_own(session, runtime_of(request).cursors, person, limit=limit, cursor=cursor)
    depot = opened.of_session(session)
    return Page(data=[queries.out(depot, person, one) for one in rows], next_cursor=more)


@routes.post("/v1/media/lookup")
async def look_up_media(session: TenantSession, person: Person, body: MediaAsked) -> MediaFound:
    """Look up many uploads at once, with fresh addresses; those that the caller may not see are left out."""
    rows = await queries.readable(session, person, body.ids)
    depot = opened.of_session(session)
    return MediaFound(data=[queries.out(depot, person, one) for one in rows])


@routes.post("/v1/media/avatars")
async def look_up_avatars(session: TenantSession, _person: Person, body: AvatarsAsked) -> AvatarsFound:
    """Look up the avatars of accounts, with fresh addresses; everybody in the organization sees them."""
    rows = await queries.avatars_of(session, body.account_ids)
    depot = opened.of_session(session)
    return AvatarsFound(data=[queries.avatar_out(depot, one) for one in rows])


@routes.get("/v1/media/{media_id}")
async def get_media(session: TenantSession, person: Person, media_id: UUID, response: Response) -> MediaOut:
    """Read an upload: how far it is, or where it can be read. Its owner sees it, and whoever reads something that it stands in."""
    media = await queries.get_media(session, person, media_id)
    tag(response, media.version)
    return queries.out(opened.of_session(session), person, media)


@routes.put("/v1/media/{media_id}/content", openapi_extra=CONTENT, responses=problems(408, 409, 413))
async def upload_part(
    request: Request, person: Person, media_id: UUID, response: Response, upload_offset: UploadOffset
) -> MediaOut:
    """Send the next part of a file: all of it up to 8 MiB, larger ones in parts of up to 4 MiB.

    After a break ask for the upload and go on at its `offset`. Another offset than it stands at is answered 409 with the right one.
    """
    runtime = runtime_of(request)
    media = await commands.receive(runtime, person, media_id, upload_offset, request.stream())
    response.headers["Upload-Offset"] = str(media.received)
    return queries.out(opened.of_runtime(runtime), person, media)


@routes.post("/v1/media/{media_id}/complete", responses=problems(409))
async def complete_upload(request: Request, person: Person, media_id: UUID, response: Response) -> MediaOut:
    """Finish an upload whose bytes have all arrived. It is judged by its content, never by its name.

    Images are drawn anew, upright, up to 4,096 pixels long, so that what they carry besides (camera, place, author) is gone. In MP4, MOV,
    3GP, MP3, AAC, WAV and FLAC the same is blanked. Files are kept to the byte. What may not be uploaded is answered 422 and erased at once.
    """
    runtime = runtime_of(request)
    media = await commands.complete(runtime, person, media_id)
    tag(response, media.version)
    response.headers["Hearth-Position"] = positions.header({f"media/{media.id}": media.version})
    return queries.out(opened.of_runtime(runtime), person, media)


@routes.delete("/v1/media/{media_id}", status_code=204, responses=problems(412, 428))
async def delete_media(session: TenantSession, person: Person, media_id: UUID, version: IfMatch) -> None:
    """Erase an upload with all its bytes, whatever it stands in: its owner, and staff of the organization."""
    await commands.delete(session, person, media_id, version)


@routes.get("/v1/media/{media_id}/content/{variant}", response_class=Response, responses=BYTES | problems(403, 416))
async def read_media(
    _anyone: Anyone,
    request: Request,
    media_id: UUID,
    variant: Variant,
    token: Annotated[str, Query(min_length=1, max_length=200, description="as it stands in the address")],
) -> Response:
    """Read the bytes at a signed address. No token of an account is needed; the address is good until it expires."""
    runtime = runtime_of(request)
    depot = opened.of_runtime(runtime)
    granted = depot.signer.read(token, media_id, variant)
    if granted is None:
        raise Problem(403, "address-invalid", "This address was not given out here.")
    left = int((granted.expires_at - clock.now()).total_seconds())
    if left <= 0:
        raise Problem(403, "address-expired", "This address has expired: look the upload up again.")
    found = await queries.find_served(runtime, granted.organization_id, media_id, variant)
    if found is None:
        raise not_found("upload")
    etag = f'"{media_id.hex}-{variant}"'
    headers = SAFE | {"ETag": etag, "Cache-Control": f"private, max-age={left}, immutable"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = _disposition(found)
    span = _span(request, found.size, etag)
    if span is UNSATISFIABLE:
        raise Problem(
            416,
            "range-unsatisfiable",
            "The range starts behind the end.",
            headers={"Content-Range": f"bytes */{found.size}"},
        )
    status = 200
    if span is not None:
        status, headers["Content-Range"] = 206, f"bytes {span.start}-{span.end - 1}/{found.size}"
    start, end = span or Span(0, found.size)
    headers["Content-Length"] = str(end - start)
    body = commands.stream(depot, found.pieces, start, end)
    return StreamingResponse(body, status, headers=headers, media_type=found.media_type)


def _span(request: Request, size: int, etag: str) -> Span | None:
    if request.headers.get("if-range", etag) != etag:
        return None
    return policy.asked_span(request.headers.get("range"), size)


def _disposition(found: queries.Served) -> str:
    """Say the name, and that it is to be kept and not opened, unless it is an image that was drawn here."""
    how = "inline" if found.kind.drawn else "attachment"
    return f"{how}; filename*=UTF-8''{quote(found.name, safe='')}"
