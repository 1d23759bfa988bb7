"""Pulse over HTTP: who may read it."""

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.content import PostPublished
from contracts.members import CommunityRole


async def test_managers_analysts_and_the_organizations_staff_read_it(kit: Kit) -> None:
    organization = new_id()
    community = await kit.community(organization, zone="Europe/Berlin")
    url = f"/v1/communities/{community}/pulse"
    people = {}
    for role in (None, *CommunityRole):
        account = await kit.member(organization, community, roles=[role] if role else [])
        people[role] = kit.person(organization, account)
    author = await kit.member(organization, community)
    event = PostPublished(post_id=new_id(), community_id=community, author_id=author, section="general")
    at = datetime(2026, 1, 4, 23, 30, tzinfo=UTC)
    await kit.deliver(envelope(event, organization, event.post_id, community_id=community, occurred_at=at))
    for client, status in (
        (people[CommunityRole.MANAGER], 200),
        (people[CommunityRole.ANALYST], 200),
        (kit.staff(organization), 200),
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
        assert answer.status_code == status, answer.text
        if status == 200:
            assert answer.json() == {
                "zone": "Europe/Berlin",
                "members": 6,
                "never_active": 5,
                "member_days": 1,
                "weeks": [{"week": "2026-W02", "active": 1, "new": 1, "returning": 0, "resurrected": 0, "dormant": 0}],
            }
        else:
            assert answer.headers["content-type"] == "application/problem+json"


async def test_an_empty_community(kit: Kit) -> None:
    organization = new_id()
    community = await kit.community(organization)
    answer = await kit.staff(organization).get(f"/v1/communities/{community}/pulse")
    assert answer.json() == {"zone": "Asia/Shanghai", "members": 0, "never_active": 0, "member_days": 0, "weeks": []}
    assert (await kit.staff(organization).get(f"/v1/communities/{new_id()}/pulse")).status_code == 404
    assert (await kit.staff(organization).get("/v1/communities/nowhere/pulse")).status_code == 422
