"""Tags: names of any script, all or none in bulk, counted, told of."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.members import AccountMerged, MembershipTagsChanged
from members.memberships.tags.policy import LONGEST, clean_tag


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


async def people(town: Town, count: int) -> tuple[str, list[str]]:
    community = (await town.community(state="draft"))["id"]
    items = [{"external_id": f"x:{n}", "display_name": f"N{n}"} for n in range(count)]
    answer = await town.owner.post(
        f"/v1/communities/{community}/memberships/imports", json={"source": "test", "items": items}
    )
    return f"/v1/communities/{community}", [one["membership_id"] for one in answer.json()["items"]]


async def told(town: Town) -> list[tuple[str, int]]:
    return [
        (str(one.data["membership_id"]), one.aggregateversion)
        for one in await town.kit.events(MembershipTagsChanged)
        if one.organization == town.organization
    ]


async def test_a_merge_hands_tags_over(town: Town) -> None:
    base, [stays, goes] = await people(town, 2)
    for membership, tag in ((stays, "vip"), (goes, "vip"), (goes, "老用户")):
        assert (await town.owner.put(f"{base}/memberships/{membership}/tags/{tag}")).status_code == 204
    rows = await town.kit.sql("SELECT id, account_id FROM membership WHERE id = ANY($1)", [UUID(stays), UUID(goes)])
    account = {str(row["id"]): row["account_id"] for row in rows}
    before = len(await told(town))
    event = AccountMerged(account_id=account[stays], merged_account_id=account[goes])
    for version in (2, 3):
        await town.kit.deliver(envelope(event, town.organization, event.account_id, version=version))
        assert (await town.owner.get(f"{base}/memberships/{stays}/tags")).json()["tags"] == ["vip", "老用户"]
        assert (await town.owner.get(f"{base}/memberships/{goes}/tags")).json()["tags"] == []
        assert sorted((await told(town))[before:]) == sorted([(stays, 2), (goes, 3)]), "both are told of, once"
    only, [ann] = await people(town, 1)
    await town.owner.put(f"{only}/memberships/{ann}/tags/vip")
    [row] = await town.kit.sql("SELECT account_id FROM membership WHERE id = $1", UUID(ann))
    heir = await town.account("Heir")
    event = AccountMerged(account_id=heir, merged_account_id=row["account_id"])
    await town.kit.deliver(envelope(event, town.organization, heir, version=2))
    held = await town.kit.sql(
        "SELECT account_id, tag FROM membership_tag WHERE community_id = $1", UUID(only.rpartition("/")[2])
    )
    assert [tuple(one) for one in held] == [(heir, "vip")]


async def test_tag_and_untag(town: Town) -> None:
    base, [ann, ben] = await people(town, 2)
    for _ in range(2):
        assert (await town.owner.put(f"{base}/memberships/{ann}/tags/老用户")).status_code == 204
    assert (await town.owner.put(f"{base}/memberships/{ann}/tags/a mentor")).status_code == 204
    assert (await town.owner.put(f"{base}/memberships/{ben}/tags/老用户")).status_code == 204
    read = await town.owner.get(f"{base}/memberships/{ann}/tags")
    assert read.json() == {"membership_id": ann, "tags": ["a mentor", "老用户"]}
    for _ in range(2):
        assert (await town.owner.delete(f"{base}/memberships/{ann}/tags/老用户")).status_code == 204
    assert (await town.owner.get(f"{base}/tags")).json()["data"] == [
        {"tag": "a mentor", "members": 1},
        {"tag": "老用户", "members": 1},
    ]
    assert await told(town) == [(ann, 1), (ann, 2), (ben, 1), (ann, 3)], "what changed nothing is not told"
    assert (await town.owner.get(f"{base}/memberships/{ann}")).json()["version"] == 1, "a tag is no change of standing"


async def test_bulk_is_all_or_none(town: Town) -> None:
    base, members = await people(town, 5)
    url = f"{base}/tags/vip/memberships"
    first = await town.owner.post(url, json={"membership_ids": [*members[:2], members[0]]})
    assert first.json() == {"tagged": 2, "unchanged": 0}
    assert (await town.owner.post(url, json={"membership_ids": members})).json() == {"tagged": 3, "unchanged": 2}
    wrong = await town.owner.post(f"{base}/tags/new/memberships", json={"membership_ids": [members[0], str(new_id())]})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/membership_ids/1")
    await town.kit.sql("UPDATE membership SET state = 'left', ended_at = now() WHERE id = $1", UUID(members[4]))
    gone = await town.owner.post(f"{base}/tags/new/memberships", json={"membership_ids": members})
    assert (gone.status_code, gone.json()["errors"][0]["pointer"]) == (409, "/membership_ids/4")
    assert (await town.owner.get(f"{base}/tags")).json()["data"] == [{"tag": "vip", "members": 4}]
    for body in ({"membership_ids": []}, {"membership_ids": ["x"]}, {"membership_ids": [members[0]] * 1001}):
        assert (await town.owner.post(url, json=body)).status_code == 422


async def test_the_list_of_tags_is_paged(town: Town) -> None:
    base, [ann] = await people(town, 1)
    for n in range(5):
        await town.owner.put(f"{base}/memberships/{ann}/tags/t{n}")
    first = (await town.owner.get(f"{base}/tags", params={"limit": 3})).json()
    rest = (await town.owner.get(f"{base}/tags", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [one["tag"] for one in first["data"] + rest["data"]] == [f"t{n}" for n in range(5)]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("tag", [" x", "x%20", "x" * 41, "%E2%80%8B", "%0Ax", "a%5Cb", "%C2%85"])
async def test_bad_names_are_refused(town: Town, tag: str) -> None:
    base, [ann] = await people(town, 1)
    answer = await town.owner.put(f"{base}/memberships/{ann}/tags/{tag}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/path/tag"


async def test_a_member_has_so_many_tags_and_no_more(town: Town) -> None:
    base, [ann] = await people(town, 1)
    await town.kit.sql(
        "INSERT INTO membership_tag SELECT organization_id, community_id, account_id, 't' || n "
        "FROM membership, generate_series(1, 100) AS n WHERE id = $1",
        UUID(ann),
    )
    assert (await town.owner.put(f"{base}/memberships/{ann}/tags/more")).status_code == 409
    assert (await town.owner.put(f"{base}/memberships/{ann}/tags/t7")).status_code == 204


async def test_who_may(town: Town) -> None:
    base, [ann] = await people(town, 1)
    one = f"{base}/memberships/{ann}/tags/vip"
    await town.owner.put(one)
    community = base.rsplit("/", 1)[1]

    async def answers(client: Any) -> list[int]:
        return [
            (await client.put(one)).status_code,
            (await client.post(f"{base}/tags/vip/memberships", json={"membership_ids": [ann]})).status_code,
            (await client.get(f"{base}/memberships/{ann}/tags")).status_code,
            (await client.get(f"{base}/tags")).status_code,
        ]

    async def with_roles(*roles: str) -> Any:
        account, client = await town.person()
        await town.kit.sql(
            "INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, "
            "joined_at, version) VALUES ($1, $2, $3, $4, 'approved', $5, false, false, now(), now(), 1)",
            new_id(),
            town.organization,
            UUID(community),
            account,
            list(roles),
        )
        return client

    assert await answers(await with_roles("manager")) == [204, 200, 200, 200]
    assert await answers(await with_roles("moderator")) == [403, 403, 200, 403]
    assert await answers(await with_roles("analyst")) == [403, 403, 403, 200]
    assert await answers(await with_roles()) == [403] * 4
    assert await answers(town.kit.partner(town.organization, "contacts:write")) == [403] * 4
    assert await answers((await found_town(town.kit)).owner) == [404] * 4
    other = f"/v1/communities/{(await town.community(state='draft'))['id']}"
    assert (await town.owner.put(f"{other}/memberships/{ann}/tags/vip")).status_code == 404
    assert (await town.owner.delete(f"{other}/memberships/{ann}/tags/vip")).status_code == 404


@given(st.text(max_size=60))
def test_a_clean_tag_is_short_visible_and_stays_clean(text: str) -> None:
    try:
        tag = clean_tag(text)
    except ValueError:
        return
    assert 1 <= len(tag) <= LONGEST
    assert tag == tag.strip() == clean_tag(tag)
    assert any(not character.isspace() for character in tag)
    assert "/" not in tag
