"""When one member was active: in the days and weeks of the community's zone, for staff alone."""

from datetime import UTC, datetime

from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.content import PostPublished
from contracts.members import CommunityRole


async def test_a_members_presence(kit: Kit) -> None:
    organization = new_id()
    community = await kit.community(organization, zone="Europe/Berlin")
    author = await kit.member(organization, community)
    moderator = kit.person(organization, await kit.member(organization, community, roles=[CommunityRole.MODERATOR]))
    # The first is Monday in Berlin already; the second falls on the same Monday.
    times = [(2026, 1, 4, 23, 30), (2026, 1, 5, 10, 0), (2026, 1, 7, 10, 0), (2026, 3, 2, 10, 0)]
    for moment in times:
        event = PostPublished(post_id=new_id(), community_id=community, author_id=author, section="general")
        at = datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type,misc]
        await kit.deliver(envelope(event, organization, event.post_id, community_id=community, occurred_at=at))
    url = f"/v1/communities/{community}/members/{author}/presence"
    found = (await moderator.get(url)).json()
    assert (found["zone"], found["active_days"]) == ("Europe/Berlin", 3)
    assert datetime.fromisoformat(found["first_active_at"]) == datetime(2026, 1, 4, 23, 30, tzinfo=UTC)
    assert datetime.fromisoformat(found["last_active_at"]) == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert found["weeks"] == [
        {"week": "2026-W10", "from": "2026-03-02", "active_days": 1},
        {"week": "2026-W02", "from": "2026-01-05", "active_days": 2},
    ]
    quiet = await kit.member(organization, community)
    silent = (await moderator.get(f"/v1/communities/{community}/members/{quiet}/presence")).json()
    assert silent == {
        "zone": "Europe/Berlin",
        "active_days": 0,
        "first_active_at": None,
        "last_active_at": None,
        "weeks": [],
    }
    assert (await moderator.get(f"/v1/communities/{community}/members/{new_id()}/presence")).status_code == 404
    assert (await kit.person(organization, author).get(url)).status_code == 403
    assert (await kit.partner(organization, "orders:write").get(url)).status_code == 403
    assert (await kit.staff(new_id()).get(url)).status_code == 404
