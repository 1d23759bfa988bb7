"""Files of members over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints

from chassis.app import router
from chassis.auth import Manager
from chassis.languages import Language
from chassis.pagination import DEFAULT_LIMIT, CursorText, Limit
from chassis.requests import IfMatch, Route, TenantSession, UploadRequest, tag
from chassis.runtime import runtime_of
from chassis.schemas import Page, problems
from members.memberships.files import commands, queries
from members.memberships.files.commands import Hints
from members.memberships.files.policy import Outcome
from members.memberships.files.schemas import (
    ANY,
    CSV,
    REQUEST_BODY,
    XLSX,
    BroughtFileOut,
    Encoding,
    MemberFileMap,
    MemberFileRowOut,
)


class MemberFileRequest(UploadRequest):
    """A request that may carry a table."""

    media_types = frozenset((CSV, XLSX, ANY))


class MemberFileRoute(Route):
    """A route of files of members."""

    request_class = MemberFileRequest


routes = router("member-files", MemberFileRoute)
BASE = "/v1/communities/{community_id}/member-files"


@routes.post(BASE, status_code=201, openapi_extra=REQUEST_BODY, responses=problems(409, 413, 415))
async def upload_member_file(
    *,
    request: MemberFileRequest,
    session: TenantSession,
    manager: Manager,
    language: Language,
    response: Response,
    filename: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None,
        Query(description="only shown", examples=["members.csv"]),
    ] = None,
    encoding: Annotated[
        Encoding | None, Query(description="of a CSV file; left out, it is found by the content")
    ] = None,
    header: Annotated[
        bool | None,
        Query(description="whether the first row names the columns; left out, it is judged by what it says"),
    ] = None,
) -> BroughtFileOut:
    """Bring a CSV or XLSX table of people. Nobody becomes a member by that: say what its columns hold, and start it."""
    file = await commands.receive(session, manager, await request.upload(), Hints(filename, encoding, header))
    tag(response, file.version)
    return await queries.out(session, file, language)


@routes.get(BASE)
async def list_member_files(
    request: Request,
    session: TenantSession,
    manager: Manager,
    language: Language,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[BroughtFileOut]:
    """List the community's files, latest first."""
    cursors = runtime_of(request).cursors
    return await queries.list_page(session, manager, cursors, language, limit=limit, cursor=cursor)


@routes.get(f"{BASE}/{{file_id}}")
async def get_brought_file(
    session: TenantSession, manager: Manager, file_id: UUID, language: Language, response: Response
) -> BroughtFileOut:
    """Read a file: what it holds, what its columns mean, and how far it has come."""
    file = await queries.get_file(session, manager.community_id, file_id)
    tag(response, file.version)
    return await queries.out(session, file, language)


@routes.put(f"{BASE}/{{file_id}}/mapping", responses=problems(409, 412, 428))
async def map_member_file(
    *,
    session: TenantSession,
    manager: Manager,
    file_id: UUID,
    version: IfMatch,
    body: MemberFileMap,
    language: Language,
    response: Response,
) -> BroughtFileOut:
    """Say what the columns hold. A dry run that was done is forgotten."""
    file = await commands.set_mapping(session, manager, file_id, version, body)
    tag(response, file.version)
    return await queries.out(session, file, language)


@routes.post(f"{BASE}/{{file_id}}/dry-run", status_code=202, responses=problems(409, 412, 428))
async def dry_run_member_file(
    session: TenantSession, manager: Manager, file_id: UUID, version: IfMatch, language: Language, response: Response
) -> BroughtFileOut:
    """Look at every row and say what would happen to it; nothing happens yet. The file tells the progress."""
    file = await commands.dry_run(session, manager, file_id, version)
    tag(response, file.version)
    return await queries.out(session, file, language)


@routes.post(f"{BASE}/{{file_id}}/start", status_code=202, responses=problems(409, 412, 428))
async def start_member_file(
    session: TenantSession, manager: Manager, file_id: UUID, version: IfMatch, language: Language, response: Response
) -> BroughtFileOut:
    """Take the rows, some at a time, each exactly once. The file tells the progress."""
    file = await commands.start(session, manager, file_id, version)
    tag(response, file.version)
    return await queries.out(session, file, language)


@routes.post(f"{BASE}/{{file_id}}/cancel", responses=problems(409, 412, 428))
async def cancel_member_file(
    session: TenantSession, manager: Manager, file_id: UUID, version: IfMatch, language: Language, response: Response
) -> BroughtFileOut:
    """Take no further rows. Who became a member stays one."""
    file = await commands.cancel(session, manager, file_id, version)
    tag(response, file.version)
    return await queries.out(session, file, language)


@routes.get(f"{BASE}/{{file_id}}/rows")
async def list_member_file_rows(
    *,
    request: Request,
    session: TenantSession,
    manager: Manager,
    file_id: UUID,
    language: Language,
    outcome: Annotated[Outcome | None, Query(description="only rows to which this happens")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Page[MemberFileRowOut]:
    """List the rows that were looked at, with what happens, or happened, to each."""
    file = await queries.get_file(session, manager.community_id, file_id)
    cursors = runtime_of(request).cursors
    return await queries.list_rows(session, file, cursors, language, outcome=outcome, limit=limit, cursor=cursor)


@routes.get(
    f"{BASE}/{{file_id}}/rejected.csv",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The rejected rows: row, code, reason, and the cells as they came.",
            "content": {CSV: {"schema": {"type": "string"}, "example": "row,code,reason,姓名\n3,name-missing,…,\n"}},
        }
    },
)
async def download_rejected_rows(
    request: Request, session: TenantSession, manager: Manager, file_id: UUID, language: Language
) -> StreamingResponse:
    """Download the rejected rows with their reasons, to be mended and brought again. What begins like a formula gets an apostrophe."""
    file = await queries.get_file(session, manager.community_id, file_id)
    return StreamingResponse(
        queries.rejected_csv(runtime_of(request).engine, file, language),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="rejected-{file.id}.csv"', "Cache-Control": "no-store"},
    )
