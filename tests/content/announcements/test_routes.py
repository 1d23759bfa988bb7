"""Announcements: who has acknowledged, who has not, and reminding those."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.content.conftest import Place, code, if_match, make_place
from tests.content.posts.test_kinds import group

from chassis.clock import MovableClock
from chassis.testing.kit import Kit
from content.announcements import commands
from contracts.content import AnnouncementAcknowledged, AnnouncementReminderWanted
from contracts.members import CommunityRole, MembershipState


async def announce(place: Place, editor: httpx.AsyncClient, **fields: Any) -> str:
    post = await place.post(editor, kind="announcement", acknowledge=True, **fields)
    return f"{place.path}/posts/{post['id']}"


async def accounts(client: httpx.AsyncClient, url: str, query: str = "") -> list[str]:
    found, cursor = [], ""
    while cursor is not None:
        page = (await client.get(f"{url}/acknowledgements?limit=2{query}{cursor}")).json()
        found += [one["account_id"] for one in page["data"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    return found


async def test_who_has_read_it_and_who_not(place: Place) -> None:
    _, editor = await place.member(CommunityRole.EDITOR, staff=True)
    await place.member(bot=True)
    await place.member(state=MembershipState.LEFT)
    people = [await place.member() for _ in range(5)]
    everybody = sorted(str(account) for account, _ in people)
    benefit = {"kind": "coupon", "words": {"zh": "八折券", "en": "20% off"}}
    url = await announce(place, editor, benefit=benefit, acknowledge_by="2027-01-01T00:00:00Z")
    shown = (await people[0][1].get(url)).json()
    assert (shown["acknowledge"], shown["acknowledged_at"], shown["benefit"]) == (True, None, benefit)
    readers = people[:2]
    for _, client in readers:
        first = await client.put(f"{url}/acknowledgement")
        assert first.status_code == 200, first.text
        assert first.headers["hearth-position"].startswith("acknowledgement/")
        again = await client.put(f"{url}/acknowledgement")
        assert again.json() == first.json()
        assert "hearth-position" not in again.headers
        assert (await client.get(url)).json()["acknowledged_at"]
    read = sorted(str(account) for account, _ in readers)
    assert await accounts(editor, url, "&acknowledged=true") == read
    assert await accounts(editor, url, "&acknowledged=false") == [one for one in everybody if one not in read]
    assert await accounts(editor, url) == everybody
    figures = (await editor.get(f"{url}/acknowledgements/figures")).json()
    assert (figures["asked"], figures["acknowledged"], figures["outstanding"]) == (5, 2, 3)
    events = [e for e in await place.kit.events(AnnouncementAcknowledged) if e.community == place.community]
    assert sorted(e.data["account_id"] for e in events) == read


async def test_a_groups_announcement_asks_the_group(place: Place) -> None:
    _, editor = await place.member(CommunityRole.EDITOR, staff=True)
    inside, insider = await place.member()
    _, outsider = await place.member()
    circle = await group(place, inside)
    url = await announce(place, editor, group_id=str(circle))
    assert await accounts(editor, url, "&acknowledged=false") == [str(inside)]
    assert (await outsider.put(f"{url}/acknowledgement")).status_code == 404
    assert (await insider.put(f"{url}/acknowledgement")).status_code == 200
    assert (await editor.get(f"{url}/acknowledgements/figures")).json()["outstanding"] == 0


async def test_acknowledging_at_once_counts_once(place: Place) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    account, client = await place.member()
    url = await announce(place, editor)
    answers = await asyncio.gather(*(client.put(f"{url}/acknowledgement") for _ in range(8)))
    assert len({answer.text for answer in answers}) == 1
    events = [e for e in await place.kit.events(AnnouncementAcknowledged) if e.data["account_id"] == str(account)]
    assert len(events) == 1


async def test_only_what_asks_is_acknowledged(place: Place) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    _, client = await place.member()
    post = await place.post(editor, kind="announcement")
    url = f"{place.path}/posts/{post['id']}"
    for answer in (await client.put(f"{url}/acknowledgement"), await editor.post(f"{url}/reminders")):
        assert (answer.status_code, code(answer)) == (409, "not-asked-for")
    asked = await editor.patch(url, json={"acknowledge": True}, headers=if_match(1))
    assert asked.json()["acknowledge"] is True
    assert (await client.put(f"{url}/acknowledgement")).status_code == 200
    draft = await place.post(editor, kind="announcement", acknowledge=True, draft=True)
    assert (await editor.put(f"{place.path}/posts/{draft['id']}/acknowledgement")).status_code == 404
    answer = await editor.post(f"{place.path}/posts/{draft['id']}/reminders")
    assert (answer.status_code, code(answer)) == (409, "not-published")
    assert (await client.put(f"{place.path}/posts/{uuid4()}/acknowledgement")).status_code == 404


async def wanted(place: Place, reminder: str) -> list[str]:
    events = [e for e in await place.kit.events(AnnouncementReminderWanted) if e.data["reminder_id"] == reminder]
    return sorted(e.data["account_id"] for e in events)


async def test_reminding(place: Place, movable_clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "BATCH", 2)
    editor_id, editor = await place.member(CommunityRole.EDITOR, staff=True)
    people = [await place.member() for _ in range(6)]
    url = await announce(place, editor)
    await people[0][1].put(f"{url}/acknowledgement")
    asked = await editor.post(f"{url}/reminders")
    assert asked.status_code == 202
    reminder = asked.json()
    assert (reminder["reminded"], reminder["finished_at"]) == (0, None)
    running = await editor.post(f"{url}/reminders")
    assert (running.status_code, code(running)) == (409, "reminder-running")
    await place.kit.work()
    assert await wanted(place, reminder["id"]) == sorted(str(account) for account, _ in people[1:])
    [done] = (await editor.get(f"{url}/reminders")).json()["data"]
    assert (done["reminded"], bool(done["finished_at"])) == (5, True)
    recent = await editor.post(f"{url}/reminders")
    assert (recent.status_code, code(recent)) == (409, "reminder-recent")
    movable_clock.move(hours=2)
    editor = place.kit.person(place.organization, editor_id)
    await place.kit.person(place.organization, people[1][0]).put(f"{url}/acknowledgement")
    again = (await editor.post(f"{url}/reminders")).json()
    await place.kit.work()
    assert await wanted(place, again["id"]) == sorted(str(account) for account, _ in people[2:])
    assert [one["id"] for one in (await editor.get(f"{url}/reminders?limit=1")).json()["data"]] == [again["id"]]


async def test_nobody_is_reminded_of_what_is_gone(place: Place) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    await place.member()
    url = await announce(place, editor)
    reminder = (await editor.post(f"{url}/reminders")).json()
    assert (await editor.delete(url, headers=if_match(1))).status_code == 204
    await place.kit.work()
    assert await wanted(place, reminder["id"]) == []
    [row] = await place.kit.sql("SELECT finished_at FROM announcement_reminder WHERE id = $1", UUID(reminder["id"]))
    assert row["finished_at"]


async def test_refusals(place: Place, kit: Kit) -> None:
    _, editor = await place.member(CommunityRole.EDITOR)
    _, member = await place.member()
    _, moderator = await place.member(CommunityRole.MODERATOR)
    url = await announce(place, editor)
    elsewhere = kit.staff((await make_place(kit)).organization)
    for client, status in (
        (member, 403),
        (moderator, 403),
        (elsewhere, 404),
        (kit.partner(place.organization, "x"), 403),
    ):
        for path in ("acknowledgements", "acknowledgements/figures", "reminders"):
            assert (await client.get(f"{url}/{path}")).status_code == status
        assert (await client.post(f"{url}/reminders")).status_code == status
    assert (await kit.person(place.organization).put(f"{url}/acknowledgement")).status_code == 403
    assert (await elsewhere.put(f"{url}/acknowledgement")).status_code == 404
