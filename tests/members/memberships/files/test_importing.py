"""Members from a file: what it holds, what would happen, what happens, and exactly once."""

from typing import Any
from uuid import UUID

import pytest
from tests.members.memberships.files.brought import PEOPLE, USUAL, XLSX, Desk, workbook
from tests.members.town import Town, found_town

from chassis.testing.kit import Kit
from contracts.base import Origin
from contracts.members import AccountCreated, MembershipApproved, MembershipTagsChanged
from members.memberships.files.taking import commands


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


@pytest.fixture
async def desk(town: Town) -> Desk:
    return Desk(town.kit, town.owner, (await town.community(state="draft"))["id"])


async def members_of(desk: Desk) -> list[dict[str, Any]]:
    answer = await desk.client.get(desk.url.replace("member-files", "memberships"), params={"limit": 200})
    return [one for one in answer.json()["data"] if not one["staff"]]


async def test_a_file_is_brought_mapped_tried_and_taken(desk: Desk, town: Town) -> None:
    file = await desk.bring(PEOPLE + "1003,,13700137000,,\n", filename="会员.csv")
    assert (file["state"], file["format"], file["encoding"], file["delimiter"]) == ("uploaded", "csv", "utf-8", ",")
    assert (file["rows"], file["header"], file["filename"]) == (3, True, "会员.csv")
    assert [one["suggested"] for one in file["columns"]] == ["external_id", "name", "phone", "email", "tags"]
    assert file["columns"][1]["samples"] == ["林悦", "王小明", ""]
    file = await desk.map(file, tags=["2026春"], source="crm")
    assert (file["state"], file["version"]) == ("mapped", 2)

    file = await desk.through(file, "dry-run")
    would = {"create": 2, "join": 0, "change": 0, "keep": 0, "reject": 1}
    assert (file["state"], file["done"], file["counts"]) == ("checked", 3, would)
    assert await members_of(desk) == [], "a dry run changes nothing"
    [bad] = await desk.rows(file, outcome="reject")
    assert (bad["number"], bad["reason"]["code"], bad["cells"][0]) == (4, "name-missing", "1003")

    file = await desk.through(file, "start")
    assert (file["state"], file["done"], file["counts"], file["can"]) == ("imported", 3, would, [])
    assert {one["member"]["display_name"] for one in await members_of(desk)} == {"林悦", "王小明"}
    known = await desk.kit.sql(
        "SELECT provider || ':' || subject AS name FROM identity WHERE organization_id = $1 AND account_id <> $2",
        town.organization,
        town.owner_id,
    )
    assert {row["name"] for row in known} == {
        "import:crm:1001", "import:crm:1002", "phone:+8613800138000", "phone:+8613900139000", "email:lin@example.com",
    }  # fmt: skip
    held = await desk.kit.sql(
        "SELECT tag FROM membership_tag WHERE organization_id = $1 ORDER BY tag", town.organization
    )
    assert [row["tag"] for row in held] == ["2026春", "2026春", "导师", "老用户"]
    told = [
        one
        for one in await desk.kit.events(AccountCreated, MembershipApproved, MembershipTagsChanged)
        if one.organization == town.organization and one.origin is Origin.IMPORT
    ]
    assert len(told) == 6, "an account, a membership and its tags, for each of two"


async def test_bringing_the_same_people_again_changes_only_what_is_new(desk: Desk) -> None:
    await desk.through(await desk.map(await desk.bring(PEOPLE)), "start")
    again = PEOPLE.replace("1002,王小明,139 0013 9000,,", "1002,别的名字,,,VIP")
    file = await desk.map(await desk.bring(again + ",张三,+86 138-0013-8000,,\n"))
    tried = await desk.through(file, "dry-run")
    assert tried["counts"] == {"create": 0, "join": 0, "change": 1, "keep": 1, "reject": 1}
    [same] = await desk.rows(tried, outcome="reject")
    assert (same["reason"]["code"], same["reason"]["params"]) == ("duplicate-row", {"row": 2})
    taken = await desk.through(tried, "start")
    assert taken["counts"] == tried["counts"], "what was said is what happened"
    assert {one["member"]["display_name"] for one in await members_of(desk)} == {"林悦", "王小明"}


async def test_known_people_join_and_those_who_left_do_not(desk: Desk, town: Town) -> None:
    await desk.through(await desk.map(await desk.bring(PEOPLE)), "start")
    other = Desk(desk.kit, desk.client, (await town.community(state="draft"))["id"])
    by_phone = [{"column": 0, "field": "name"}, {"column": 1, "field": "phone"}, {"column": 2, "field": "email"}]
    text = "昵称,电话,邮箱\n林,13800138000,\n两人,13900139000,lin@example.com\n"
    file = await other.through(await other.map(await other.bring(text), by_phone), "start")
    assert file["counts"] == {"create": 0, "join": 1, "change": 0, "keep": 0, "reject": 1}
    assert [row["reason"]["code"] for row in await other.rows(file, outcome="reject")] == ["contacts-disagree"]
    for state in ("left", "removed", "rejected", "applied"):
        await desk.kit.sql(
            "UPDATE membership SET state = $2::text, ended_at = CASE WHEN $2 IN ('left', 'removed') THEN now() END "
            "WHERE community_id = $1::uuid AND NOT staff",
            file["community_id"],
            state,
        )
        file = await other.through(await other.map(await other.bring(text), by_phone), "dry-run")
        codes = [row["reason"]["code"] for row in await other.rows(file, outcome="reject")]
        assert f"member-{state}" in codes


async def test_a_workbook_is_taken_by_its_values(desk: Desk) -> None:
    rows = [
        ["编号", "姓名", "手机", "邮箱", "标签"],
        [7, "林悦", 13800138000, None, "a,b"],
        [None] * 5,
        [8, "=1+1", None, None, None],
    ]
    file = await desk.bring(workbook(rows), XLSX)
    assert (file["format"], file["encoding"], file["rows"]) == ("xlsx", None, 2)
    file = await desk.through(await desk.map(file), "start")
    assert file["counts"]["create"] == 1
    [formula] = await desk.rows(file, outcome="reject")
    assert (formula["number"], formula["reason"]["code"]) == (4, "name-missing"), "no value was saved with the formula"


async def test_a_failure_between_steps_takes_no_row_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "ROWS_AT_ONCE", 2)
    lines = "".join(f"{n},P {n},,,\n" for n in range(7))
    file = await desk.map(await desk.bring(f"id,name,phone,email,tags\n{lines}"))
    assert (await desk.step(file, "start")).status_code == 202
    record, steps = commands._record, 0

    async def fail_once(*arguments: Any) -> None:
        nonlocal steps
        steps += 1
        await record(*arguments)
        if steps == 3:
            raise RuntimeError("killed after its effects, before its commit")

    monkeypatch.setattr(commands, "_record", fail_once)
    await desk.kit.work()
    half = await desk.get(file)
    assert (half["state"], half["done"], half["counts"]["create"]) == ("importing", 4, 4)
    assert len(await members_of(desk)) == 4, "what the third step did is gone with it"
    await desk.kit.sql("UPDATE due_work SET due_at = now() - interval '1 minute' WHERE kind = 'member_files.advance'")
    await desk.kit.work()
    whole = await desk.get(file)
    assert (whole["state"], whole["done"], whole["counts"]["create"]) == ("imported", 7, 7)
    assert len(await members_of(desk)) == 7
    created = [one for one in await desk.kit.events(MembershipApproved) if str(one.community) in desk.url]
    assert len({one.aggregateid for one in created}) == len(created) == 8, "the owner and seven"


async def test_work_that_comes_twice_does_nothing_the_second_time(desk: Desk, town: Town) -> None:
    file = await desk.through(await desk.map(await desk.bring(PEOPLE)), "start")
    await desk.kit.sql(
        "INSERT INTO due_work (organization_id, kind, key, due_at) VALUES ($1, 'member_files.advance', $2, now())",
        town.organization,
        file["id"],
    )
    await desk.kit.work()
    assert await desk.get(file) == file
    assert len(await members_of(desk)) == 2


async def test_cancelling_keeps_what_was_taken(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "ROWS_AT_ONCE", 1)
    file = await desk.map(await desk.bring(PEOPLE))
    file = (await desk.step(file, "start")).json()
    stopped = await desk.step(file, "cancel")
    assert (stopped.status_code, stopped.json()["state"], stopped.json()["can"]) == (200, "cancelled", [])
    await desk.kit.work()
    assert await members_of(desk) == []
    assert (await desk.step(stopped.json(), "start")).status_code == 409


async def test_an_archived_community_takes_none(desk: Desk, town: Town) -> None:
    file = await desk.map(await desk.bring(PEOPLE))
    file = (await desk.step(file, "start")).json()
    community = (await town.owner.get(desk.url.removesuffix("/member-files"))).json()
    answer = await town.owner.post(
        f"/v1/communities/{community['id']}/archive", headers={"If-Match": f'"{community["version"]}"'}
    )
    assert answer.status_code == 200
    await desk.kit.work()
    ended = await desk.get(file)
    assert (ended["state"], ended["done"], ended["reason"]) == ("cancelled", 0, "The community was archived.")
    refused = await desk.send(PEOPLE)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:hearth:problem:community-archived")


async def test_a_file_is_dropped_when_its_time_is_over(desk: Desk) -> None:
    file = await desk.bring(PEOPLE)
    due = await desk.kit.sql("SELECT due_at FROM due_work WHERE key = $1", file["id"])
    assert [row["due_at"].isoformat()[:19] for row in due] == [file["expires_at"][:19]]
    await desk.kit.sql("UPDATE due_work SET due_at = now() WHERE key = $1", file["id"])
    await desk.kit.work()
    assert (await desk.client.get(f"{desk.url}/{file['id']}")).status_code == 404
    assert await desk.kit.sql("SELECT 1 FROM member_file_row WHERE file_id = $1", UUID(file["id"])) == []


async def test_rejected_rows_come_back_as_a_file_without_formulas(desk: Desk) -> None:
    text = "id,name,phone,email,tags\n1,=cmd|' /C calc'!A0,,,\n2,@lin,,,\n3,,\"+8613800138000\",,-x\n4,Lin,12,,\n"
    file = await desk.through(await desk.map(await desk.bring(text)), "start")
    assert file["counts"]["create"] == 1, "@lin is a name"
    answer = await desk.client.get(f"{desk.url}/{file['id']}/rejected.csv", headers={"Accept-Language": "zh"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "row,code,reason,id,name,phone,email,tags"
    assert lines[1].endswith(",1,'=cmd|' /C calc'!A0,,,")
    assert lines[2] == "4,name-missing,这一行没有可见的姓名。,3,,'+8613800138000,,'-x"
    assert lines[3].startswith("5,phone-invalid,")


async def test_what_a_mapping_needs(desk: Desk) -> None:
    file = await desk.bring(PEOPLE)
    for columns, pointer, code in [
        ([{"column": 0, "field": "external_id"}], "/columns", "name-unmapped"),
        ([{"column": 1, "field": "name"}], "/columns", "nobody-named"),
        ([*USUAL, {"column": 9, "field": "tags"}], "/columns/5/column", "unknown-column"),
        ([*USUAL, {"column": 0, "field": "tags"}], "/columns/5/column", "column-twice"),
        ([*USUAL[:4], {"column": 4, "field": "name"}], "/columns/4/field", "field-twice"),
    ]:
        answer = await desk.remap(file, columns)
        assert answer.status_code == 422
        assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]
    assert (await desk.step(file, "start")).status_code == 409, "nothing is known of its columns"
    stale = await desk.map(file)
    assert (await desk.remap(file, USUAL)).status_code == 412
    assert (await desk.step({**stale, "version": 1}, "dry-run")).status_code == 412


async def test_only_managers_and_only_their_own(desk: Desk, town: Town, kit: Kit) -> None:
    file = await desk.bring(PEOPLE)
    stranger = await found_town(kit)
    partner = kit.partner(town.organization, "members:read")
    _, visitor = await town.person()
    for client, status in ((stranger.owner, 404), (visitor, 403), (partner, 403)):
        theirs = Desk(kit, client, file["community_id"])
        assert (await theirs.send(PEOPLE)).status_code == status
        for path in ("", f"/{file['id']}", f"/{file['id']}/rows", f"/{file['id']}/rejected.csv"):
            assert (await client.get(desk.url + path)).status_code == status
        assert (await theirs.step(file, "start")).status_code == status
    other = Desk(kit, desk.client, (await town.community(state="draft"))["id"])
    assert (await other.client.get(f"{other.url}/{file['id']}")).status_code == 404


async def test_the_same_upload_with_one_key_is_one_file(desk: Desk) -> None:
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "one"}
    first = await desk.client.post(desk.url, content=PEOPLE.encode(), headers=headers)
    second = await desk.client.post(desk.url, content=PEOPLE.encode(), headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    other = await desk.client.post(desk.url, content=b"id,name\n1,x\n", headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "urn:hearth:problem:idempotency-key-reused")
    assert len((await desk.client.get(desk.url)).json()["data"]) == 1
