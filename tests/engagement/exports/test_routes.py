"""The weeks of pulse as a file: the weeks that pulse itself tells, for whom it tells them, told by an event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.chassis.workbooks import read_rows

from chassis import sheets
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.content import PostPublished
from contracts.engagement import EngagementExportStarted
from contracts.members import CommunityRole
from engagement.pulse.sheets import PULSE

FIGURES = ("week", "active", "new", "returning", "resurrected", "dormant")


def records(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == sheets.MEDIA_TYPE
    header, *rows = read_rows(answer.content)
    assert header == sheets.header(PULSE, "Europe/Berlin", "en")
    names = [column.name for column in PULSE.columns]
    return [dict(zip(names, row, strict=True)) for row in rows]


async def lively(kit: Kit, organization: UUID) -> UUID:
    """A community of Berlin with three people who were active over the years, and somebody of the staff who does not count."""
    community = await kit.community(organization, zone="Europe/Berlin")
    people = [await kit.member(organization, community) for _ in range(3)]
    people.append(await kit.member(organization, community, staff=True))
    # The first is Monday in Berlin already; then a week without, a new year by another name (2027-01-01 is of 2026-W53), a comeback.
    first = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)
    for number, days in ((0, 0), (0, 7), (1, 7), (2, 21), (0, 32), (1, 33), (2, 42), (3, 42)):
        event = PostPublished(post_id=new_id(), community_id=community, author_id=people[number], section="general")
        at = first + timedelta(days=days)
        await kit.deliver(envelope(event, organization, event.post_id, community_id=community, occurred_at=at))
    return community


async def test_the_weeks_are_those_of_pulse(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    organization = new_id()
    community = await lively(kit, organization)
    account = await kit.member(organization, community, roles=[CommunityRole.ANALYST])
    analyst = kit.person(organization, account)
    url = f"/v1/communities/{community}/pulse"
    weeks = (await analyst.get(url)).json()["weeks"]
    assert weeks[0]["week"] == "2026-W49"
    assert {"2026-W53", "2027-W01"} <= {one["week"] for one in weeks}
    answer = await analyst.get(f"{url}/export.xlsx")
    assert answer.headers["content-disposition"].startswith('attachment; filename="pulse-20')
    found = records(answer)
    assert [{name: one[name] for name in FIGURES} for one in found] == weeks
    mondays = [one["from"] for one in found]
    assert mondays[0] == datetime(2026, 11, 30)  # noqa: DTZ001  cells know no zone
    assert {after - before for before, after in pairwise(mondays)} == {timedelta(days=7)}
    monkeypatch.setattr(sheets, "PAGE_ROWS", 2)
    assert records(await analyst.get(f"{url}/export.xlsx")) == found

    told = [one for one in await kit.events(EngagementExportStarted) if one.organization == organization]
    assert [(one.data["list_name"], one.data["rows"], one.actor) for one in told] == [
        ("pulse", len(weeks), account),
        ("pulse", len(weeks), account),
    ]
    assert all(one.data.keys() == set(EngagementExportStarted.model_fields) for one in told)
    assert len({one.data["export_id"] for one in told}) == 2


async def test_who_may_read_pulse_may_take_it_out(kit: Kit) -> None:
    organization = new_id()
    community = await kit.community(organization, zone="Europe/Berlin")
    url = f"/v1/communities/{community}/pulse/export.xlsx"
    people = {
        role: kit.person(organization, await kit.member(organization, community, roles=[role] if role else []))
        for role in (None, *CommunityRole)
    }
    for client, status in (
        (people[CommunityRole.MODERATOR], 403),
        (people[CommunityRole.EDITOR], 403),
        (people[None], 403),
        (kit.person(organization), 403),
        (kit.partner(organization, "orders:write"), 403),
        (kit.staff(new_id()), 404),
        (kit.person(new_id()), 404),
        (kit.client(), 401),
    ):
        answer = await client.get(url)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert not [one for one in await kit.events(EngagementExportStarted) if one.organization == organization]
    for client in (people[CommunityRole.MANAGER], people[CommunityRole.ANALYST], kit.staff(organization)):
        assert records(await client.get(url)) == []
    chinese = await kit.staff(organization).get(url, headers={"Accept-Language": "zh"})
    assert read_rows(chinese.content) == [sheets.header(PULSE, "Europe/Berlin", "zh")]


def test_the_document_describes_the_file(kit: Kit) -> None:
    operation = kit.app.openapi()["paths"]["/v1/communities/{community_id}/pulse/export.xlsx"]["get"]
    assert operation["x-hearth-permission"] == "community_analyst"
    assert operation["description"].startswith("Take the weeks of pulse out")
    assert operation["responses"]["200"]["content"][sheets.MEDIA_TYPE]["example"]
