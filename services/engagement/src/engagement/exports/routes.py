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
from engagement.value.orders.policy import span
from engagement.value.orders.routes import COMMUNITY, Buyer, Since, Until
from engagement.value.orders.sheets import ORDERS

of_pulse = router("pulse")
of_orders = router("orders")


@of_pulse.get("/v1/communities/{community_id}/pulse/export.xlsx", response_class=Response, responses=XLSX)
async def export_pulse(request: Request, session: TenantSession, analyst: Analyst, language: Language) -> Response:
    """Take the weeks of pulse out as XLSX, oldest first: managers and analysts, as pulse itself. An event tells who did it."""
    return exports.answer(runtime_of(request), await commands.start(session, analyst, PULSE), language=language)


@of_orders.get(COMMUNITY + "/orders/export.xlsx", response_class=Response, responses=XLSX)
async def export_community_orders(
    request: Request,
    session: TenantSession,
    analyst: Analyst,
    language: Language,
    *,
    account_id: Buyer = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Take the community's orders out as XLSX, oldest first, narrowed as their list is: managers and analysts. An event tells who did it."""
    days = span(analyst.zone, since, until)
    values = {
        "account_id": account_id,
        "since": days.begins_at.isoformat() if days.begins_at else None,
        "until": days.ends_at.isoformat() if days.ends_at else None,
    }
    return exports.answer(
        runtime_of(request), await commands.start(session, analyst, ORDERS, values), language=language
    )
