"""Every list as a file: the rows of the list, narrowed as it is, for managers, recorded, and refused where it would not fit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.chassis.workbooks import read_rows
from tests.members.town import Town, found_town

from chassis import sheets
from chassis.testing.kit import Kit
from contracts.members import ExportStarted
from members.exports import queries

HOSTILE = '=HYPERLINK("http://evil")'


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


def records(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == sheets.MEDIA_TYPE
    header, *rows = read_rows(answer.content)
    return [dict(zip(header, row, strict=True)) for row in rows]


async def test_memberships_as_a_file(town: Town) -> None:
    community = await town.community()
    base = f"/v1/communities/{community['id']}"
    mod, _ = await town.member(community, roles=["moderator"])
    ann, client = await town.member(community)
    gone, leaver = await town.member(community)
    assert (
        await leaver.post(f"{base}/memberships/{gone['id']}/leave", headers={"If-Match": f'"{gone["version"]}"'})
    ).status_code == 200
    await town.kit.sql("UPDATE account SET display_name = $1 WHERE id = $2", HOSTILE, UUID(ann["account_id"]))
    assert (await town.owner.put(f"{base}/memberships/{ann['id']}/tags/vip")).status_code == 204
    assert (await town.owner.put(f"{base}/memberships/{ann['id']}/tags/老用户")).status_code == 204
    owned = {"account_id": mod["account_id"]}
    answer = await town.owner.put(f"{base}/memberships/{ann['id']}/owner", json=owned, headers={"If-Match": '"0"'})
    assert answer.status_code == 200
    url = f"{base}/exports/memberships.xlsx"

    listed = await town.owner.get(url, params={"state": "approved"}, headers={"Accept-Language": "zh-CN"})
    assert listed.headers["content-disposition"].startswith('attachment; filename="memberships-20')
    assert listed.headers["cache-control"] == "private, no-store"
    approved = {one["成员编号"]: one for one in records(listed)}
    assert approved.keys() >= {mod["id"], ann["id"]}
    assert gone["id"] not in approved
    her = approved[ann["id"]]
    assert (her["昵称"], her["标签"], her["专属负责人"]) == (HOSTILE, "vip; 老用户", "小雨")
    assert isinstance(her["加入时间 (Asia/Shanghai)"], datetime)
    assert her["员工"] is False

    mine = await town.owner.get(url, params={"owner": mod["account_id"]})
    assert [one["Membership"] for one in records(mine)] == [ann["id"]]
    everybody = records(await town.owner.get(url))
    assert {one["State"] for one in everybody} >= {"approved", "left"}

    made = (await town.owner.get(f"{base}/exports")).json()["data"]
    assert [(one["list_name"], one["filters"], one["rows"]) for one in made] == [
        ("memberships", {}, len(everybody)),
        ("memberships", {"owner": mod["account_id"]}, 1),
        ("memberships", {"state": "approved"}, len(approved)),
    ]
    assert all(one["sent"] == one["rows"] and one["finished_at"] for one in made)
    told = [one for one in await town.kit.events(ExportStarted) if one.organization == town.organization]
    assert [one.data["rows"] for one in told] == [len(approved), 1, len(everybody)]
    assert all(one.actor == town.owner_id for one in told)
    assert not [one for one in told if HOSTILE in one.model_dump_json()]
    assert (await client.get(url)).status_code == 403


async def test_every_list_can_be_taken_out_in_both_languages(town: Town) -> None:
    community = await town.community()
    base = f"/v1/communities/{community['id']}"
    segment = await town.owner.post(
        f"{base}/segments", json={"name": {"zh": "老用户"}, "filter": {"field": "tag", "op": "=", "value": "vip"}}
    )
    assert segment.status_code == 201, segment.text
    needed = {
        "segment-members": {"segment_id": segment.json()["id"]},
        "member-file-rows": {"file_id": community["id"]},
    }
    for name, sheet in queries.COMMUNITY.items():
        params = needed.get(name, {})
        for language in ("zh", "en"):
            answer = await town.owner.get(
                f"{base}/exports/{name}.xlsx", params=params, headers={"Accept-Language": language}
            )
            assert answer.status_code == 200, (name, answer.text)
            [header, *_] = read_rows(answer.content)
            assert header == sheets.header(sheet, "Asia/Shanghai", language)
            assert len(set(header)) == len(header)
    for name, sheet in queries.ORGANIZATION.items():
        answer = await town.owner.get(f"/v1/exports/{name}.xlsx")
        assert read_rows(answer.content)[0] == sheets.header(sheet, "UTC", "en")
    assert {"memberships", "applications", "groups", "group-members", "segments", "segment-members", "tags"} < set(
        queries.COMMUNITY
    )
    assert {one["list_name"] for one in (await town.owner.get("/v1/exports")).json()["data"]} == {
        "accounts",
        "communities",
    }


async def test_notes_on_oneself_are_in_no_file(town: Town) -> None:
    community = await town.community()
    base = f"/v1/communities/{community['id']}"
    boss, managing = await town.member(community, roles=["manager"])
    ann, _ = await town.member(community)
    for one in (boss, ann):
        answer = await town.owner.post(f"{base}/memberships/{one['id']}/notes", json={"body": f"on {one['id']}"})
        assert answer.status_code == 201
    assert [one["Note"] for one in records(await managing.get(f"{base}/exports/notes.xlsx"))] == [f"on {ann['id']}"]
    assert len(records(await town.owner.get(f"{base}/exports/notes.xlsx"))) == 2


async def test_who_may_not_gets_nothing_and_nothing_is_recorded(town: Town) -> None:
    community = await town.community()
    base = f"/v1/communities/{community['id']}/exports"
    _, moderator = await town.member(community, roles=["moderator", "analyst"])
    stranger = (await found_town(town.kit)).owner
    partner = town.kit.partner(town.organization, "members:read")
    for client, status in ((moderator, 403), (stranger, 404), (partner, 403), (town.kit.client(), 401)):
        for url in (f"{base}/memberships.xlsx", base):
            assert (await client.get(url)).status_code == status
    for client, status in ((moderator, 403), (partner, 403), (town.kit.client(), 401)):
        assert (await client.get("/v1/exports/accounts.xlsx")).status_code == status
    others = records(await stranger.get("/v1/exports/accounts.xlsx"))
    assert str(town.owner_id) not in {one["Account"] for one in others}
    unknown = await town.owner.get(f"{base}/nothing.xlsx")
    assert (unknown.status_code, "memberships" in unknown.json()["detail"]) == (404, True)
    wrong = await town.owner.get(f"{base}/tags.xlsx", params={"state": "approved"})
    assert [(one["pointer"], one["code"]) for one in wrong.json()["errors"]] == [("/query/state", "filter-unknown")]
    missing = await town.owner.get(f"{base}/segment-members.xlsx")
    assert [(one["pointer"], one["code"]) for one in missing.json()["errors"]] == [("/query/segment_id", "missing")]
    for name, filters in (
        ("memberships", {"state": "aproved"}),
        ("applications", {"state": "approved' OR true --"}),
        ("silence-notices", {"state": ""}),
        ("groups", {"dimension": "DEPARTMENT"}),
    ):
        refused = await town.owner.get(f"{base}/{name}.xlsx", params=filters)
        [field] = filters
        assert refused.status_code == 422, (name, refused.text)
        assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [(f"/query/{field}", "enum")]
        assert ", ".join(queries.COMMUNITY[name].filters[field].known) in refused.json()["errors"][0]["detail"]
    assert (await town.owner.get(base)).json()["data"] == []
    known = [(name, field, one) for name, sheet in queries.COMMUNITY.items() for field, one in sheet.filters.items()]
    for name, field, one in known:
        for value in one.known:
            answer = await town.owner.get(f"{base}/{name}.xlsx", params={field: value})
            assert answer.status_code == 200, (name, field, value, answer.text)


async def test_many_rows_come_in_pages_and_too_many_are_refused(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    community = await town.community(state="draft")
    base = f"/v1/communities/{community['id']}"
    items = [{"external_id": f"x:{n}", "display_name": f"N{n}"} for n in range(25)]
    answer = await town.owner.post(f"{base}/memberships/imports", json={"source": "test", "items": items})
    assert answer.status_code == 200, answer.text
    monkeypatch.setattr(sheets, "PAGE_ROWS", 10)
    found = records(await town.owner.get(f"{base}/exports/memberships.xlsx"))
    assert {f"N{n}" for n in range(25)} <= {one["Name"] for one in found}
    assert len({one["Membership"] for one in found}) == len(found) == 26
    monkeypatch.setattr(sheets, "MOST_ROWS", 25)
    refused = await town.owner.get(f"{base}/exports/memberships.xlsx")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:hearth:problem:too-many-rows")
