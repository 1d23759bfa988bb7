"""A member's page as members knows it: everything that stands, for staff; nobody reads notes on themselves."""

from __future__ import annotations

from uuid import UUID

import pytest
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.members import AccountMerged


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


async def test_all_that_members_knows_stands_on_one_page(town: Town) -> None:
    community = await town.community()
    base = f"/v1/communities/{community['id']}"
    visitor, client = await town.person("小雨")
    applied = await client.post(f"{base}/applications", json={"answers": {}})
    assert applied.status_code == 201, applied.text
    decided = await town.owner.post(
        f"{base}/applications/{applied.json()['id']}/decision",
        json={"decision": "approve", "reason": {"zh": "欢迎", "en": "Welcome"}},
        headers={"If-Match": applied.headers["etag"]},
    )
    assert decided.status_code == 200, decided.text
    membership = applied.json()["membership_id"]
    mod, moderator = await town.member(community, roles=["moderator"])
    one = f"{base}/memberships/{membership}"
    assert (await town.owner.put(f"{one}/tags/老用户")).status_code == 204
    for number in range(11):
        assert (await moderator.post(f"{one}/notes", json={"body": f"note {number}"})).status_code == 201
    owned = await town.owner.put(f"{one}/owner", json={"account_id": mod["account_id"]}, headers={"If-Match": '"0"'})
    assert owned.status_code == 200
    group = await town.owner.post(f"{base}/groups", json={"name": {"zh": "口语"}, "dimension": "interest"})
    assert group.status_code == 201, group.text
    seated = await town.owner.post(f"{base}/groups/{group.json()['id']}/members", json={"account_ids": [str(visitor)]})
    assert seated.status_code == 200, seated.text
    told = await town.kit.events()
    await town.kit.deliver(*[one for one in told if one.organization == town.organization])
    await town.kit.work()

    url = f"{base}/members/{visitor}/file"
    page = (await moderator.get(url, headers={"Accept-Language": "zh"})).json()
    assert page["account"]["display_name"] == "小雨"
    assert (page["membership"]["id"], page["membership"]["state"]) == (membership, "approved")
    assert page["owner"]["id"] == mod["account_id"]
    assert (len(page["notes"]), page["notes_count"], page["notes"][0]["body"]) == (10, 11, "note 10")
    assert page["tags"] == ["老用户"]
    assert [one["name"] for one in page["groups"]] == [{"zh": "口语"}]
    assert page["tier"]["code"] == "newcomer"
    assert page["tier"]["reason"]
    assert (page["application"]["outcome"], page["application"]["judged_by"]) == ("approved", "reviewer")
    assert page["application"]["reason"]["text"] == "欢迎"
    assert (page["applications_count"], page["silence_notice"]) == (1, None)

    own = (await moderator.get(f"{base}/members/{mod['account_id']}/file")).json()
    assert (own["notes"], own["notes_count"]) == (None, None)
    assert (await client.get(url)).status_code == 403
    assert (await (await found_town(town.kit)).owner.get(url)).status_code == 404
    assert (await town.kit.partner(town.organization, "members:read").get(url)).status_code == 403
    nobody = await town.owner.get(f"{base}/members/{new_id()}/file")
    assert (nobody.status_code, nobody.json()["detail"]) == (404, "There is no such member.")


async def test_a_merged_account_says_whose_page_goes_on(town: Town) -> None:
    community = await town.community()
    old, _ = await town.member(community)
    stays = await town.account("Stays")
    await town.kit.sql("UPDATE account SET merged_into = $1 WHERE id = $2", stays, UUID(old["account_id"]))
    event = AccountMerged(account_id=stays, merged_account_id=UUID(old["account_id"]))
    await town.kit.deliver(envelope(event, town.organization, stays, version=2))
    base = f"/v1/communities/{community['id']}/members"
    page = (await town.owner.get(f"{base}/{old['account_id']}/file")).json()
    assert (page["account"]["merged_into"], page["membership"]["state"]) == (str(stays), "left")
    assert (await town.owner.get(f"{base}/{stays}/file")).json()["membership"]["state"] == "approved"
