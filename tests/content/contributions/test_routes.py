"""What one member said: counted, the newest first, without what was deleted, for staff alone."""

from tests.content.conftest import Place, if_match

from chassis.ids import new_id
from contracts.members import CommunityRole


async def test_a_members_contributions(place: Place) -> None:
    ann, her = await place.member()
    _, other = await place.member()
    _, moderator = await place.member(CommunityRole.MODERATOR)
    posts = [await place.post(her, f"{number} " + "长" * 300) for number in range(6)]
    gone = await place.post(her, "gone")
    assert (await her.delete(f"{place.path}/posts/{gone['id']}", headers=if_match(1))).status_code == 204
    comment = await place.comment(her, posts[0]["id"], "mine")
    await place.comment(other, posts[0]["id"], "theirs")
    reacted = await her.put(f"{place.path}/posts/{posts[1]['id']}/reactions/👍")
    assert reacted.status_code in {200, 201, 204}, reacted.text
    url = f"{place.path}/members/{ann}/contributions"
    found = (await moderator.get(url)).json()
    assert (found["posts"], found["comments"], found["reactions"]) == (6, 1, 1)
    assert [one["id"] for one in found["newest_posts"]] == [one["id"] for one in reversed(posts[1:])]
    assert found["newest_posts"][0]["excerpt"] == ("5 " + "长" * 300)[:200]
    assert [one["id"] for one in found["newest_comments"]] == [comment["id"]]
    assert found["last_post_at"] == found["newest_posts"][0]["published_at"]
    assert found["last_reaction_at"]
    quiet, _ = await place.member()
    silent = (await moderator.get(f"{place.path}/members/{quiet}/contributions")).json()
    assert (silent["posts"], silent["last_post_at"], silent["newest_posts"]) == (0, None, [])
    assert (await moderator.get(f"{place.path}/members/{new_id()}/contributions")).status_code == 404
    assert (await her.get(url)).status_code == 403
    assert (await place.kit.partner(place.organization, "content:read").get(url)).status_code == 403
    assert (await place.kit.staff(new_id()).get(url)).status_code == 404
