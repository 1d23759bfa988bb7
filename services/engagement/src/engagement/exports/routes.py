"""Lists as files over HTTP: each at the address of its list, with `/export.xlsx` behind it."""

from __future__ import annotations

from fastapi import Request, Response

from chassis import exports
from chassis.app import router
from chassis.auth import Analyst
from chassis.exports import XLSX
from chassis.languages import Language
from chassis.requests import TenantSession
from chassis.runtime import runtime_of
from engagement.exports import commands
from engagement.pulse.sheets import PULSE

routes = router("pulse")


@routes.get("/v1/communities/{community_id}/pulse/export.xlsx", response_class=Response, responses=XLSX)
async def export_pulse(request: Request, session: TenantSession, analyst: Analyst, language: Language) -> Response:
    """Take the weeks of pulse out as XLSX, oldest first: managers and analysts, as pulse itself. An event tells who did it."""
    return exports.answer(runtime_of(request), await commands.start(session, analyst, PULSE), language=language)
