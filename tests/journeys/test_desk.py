"""A member's page and a list as a file, over the real gateway and services."""

from __future__ import annotations

from tests.api.town import found_town
from tests.chassis.workbooks import read_rows
from tests.stack_fixture import LiveStack


def test_staff_see_one_member_on_one_page_and_take_the_list_out(stack: LiveStack) -> None:
    town = found_town(stack.base_url)
    community, member = town.ids["community_id"], town.people["member"].account_id
    base = f"/v1/communities/{community}"
    with town.as_person("moderator") as moderator, town.as_person("manager") as manager:
        stack.drain()
        # What others see of the member's words: neither what a moderator nor what a program is yet to judge.
        written = [one["id"] for one in manager.get(f"{base}/posts", params={"author": member}).json()["data"]]
        assert town.ids["post_id"] in written
        page = moderator.get(f"{base}/members/{member}/page").json()
        assert page["member"]["membership"]["id"] == town.people["member"].membership_id
        assert page["engagement"]["active_days"] == 1
        assert (page["content"]["posts"], page["content"]["comments"], page["content"]["reactions"]) == (3, 1, 2)
        assert [one["id"] for one in page["content"]["newest_posts"]] == written
        export = manager.get(f"{base}/exports/memberships.xlsx", params={"state": "approved"})
        header, *rows = read_rows(export.content)
        assert town.people["member"].membership_id in {row[header.index("Membership")] for row in rows}
        assert manager.get(f"{base}/exports").json()["data"][0]["sent"] == len(rows)
        # What is another service's is taken out at the address of its list.
        header, *rows = read_rows(manager.get(f"{base}/posts/export.xlsx", params={"author": member}).content)
        assert {row[header.index("Post")] for row in rows} == {*written}
        header, *rows = read_rows(manager.get(f"{base}/pulse/export.xlsx").content)
        pulse = manager.get(f"{base}/pulse").json()
        assert [row[header.index("Active")] for row in rows] == [week["active"] for week in pulse["weeks"]]
    with town.as_person("member") as own:
        assert own.get(f"{base}/members/{member}/page").status_code == 403
        for address in ("exports/memberships.xlsx", "posts/export.xlsx", "pulse/export.xlsx"):
            assert own.get(f"{base}/{address}").status_code == 403
