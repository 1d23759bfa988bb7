"""What staff note about a member, and who looks after whom: read by staff only, versioned, told without words, kept through merges."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.members import AccountMerged, MembershipNoteChanged, MembershipOwnerChanged
from members.memberships.notes import policy as notes
from members.memberships.owners import policy as owners

WORDS = "周三通过电话,想加入口语小组。"


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


def match(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


def url(community: dict[str, Any], membership: dict[str, Any], what: str) -> str:
    return f"/v1/communities/{community['id']}/memberships/{membership['id']}/{what}"


async def test_a_note_is_written_edited_and_deleted_and_its_words_are_in_no_event(town: Town) -> None:
    community = await town.community()
    ann, her_client = await town.member(community)
    _, moderator = await town.member(community, roles=["moderator"])
    base = url(community, ann, "notes")
    written = await moderator.post(base, json={"body": f" {WORDS} "})
    assert (written.status_code, written.headers["etag"]) == (201, '"1"'), written.text
    note = written.json()
    assert (note["body"], note["can"], note["author"]["display_name"]) == (WORDS, ["edit", "delete"], "小雨")
    one = f"{base}/{note['id']}"
    assert (await moderator.put(one, json={"body": "x"})).status_code == 428
    edited = await moderator.put(one, json={"body": "Called again."}, headers=match(1))
    assert (edited.json()["body"], edited.json()["version"]) == ("Called again.", 2)
    assert edited.json()["edited_by"] == note["author"]["id"]
    assert (await moderator.put(one, json={"body": "x"}, headers=match(1))).status_code == 412
    second = (await town.owner.post(base, json={"body": "The brand's own note."})).json()
    first_page = (await moderator.get(base, params={"limit": 1})).json()
    assert [n["id"] for n in first_page["data"]] == [second["id"]]
    rest = (await moderator.get(base, params={"limit": 1, "cursor": first_page["next_cursor"]})).json()
    assert ([n["id"] for n in rest["data"]], rest["next_cursor"]) == ([note["id"]], None)
    assert first_page["data"][0]["can"] == [], "a moderator does not touch what somebody else wrote"
    assert (await moderator.delete(f"{base}/{second['id']}", headers=match(1))).status_code == 403
    assert (await town.owner.delete(one, headers=match(2))).status_code == 204
    assert (await moderator.get(one)).status_code == 404
    kept = await town.kit.sql("SELECT body FROM membership_note WHERE id = $1", UUID(note["id"]))
    assert kept[0]["body"] == "", "the words are gone for good"
    told = [one for one in await town.kit.events(MembershipNoteChanged) if one.organization == town.organization]
    mine = [(one.aggregateversion, one.data["deleted"]) for one in told if one.data["note_id"] == note["id"]]
    assert mine == [(1, False), (2, False), (3, True)]
    assert not [one for one in told if WORDS in one.model_dump_json() or "Called" in one.model_dump_json()]
    assert (await her_client.get(base)).status_code == 403


async def test_nobody_reads_what_is_about_themselves_and_strangers_see_nothing(town: Town) -> None:
    community = await town.community()
    mod, moderator = await town.member(community, roles=["moderator"])
    manager, managing = await town.member(community, roles=["manager"])
    base = url(community, mod, "notes")
    note = (await managing.post(base, json={"body": WORDS})).json()
    assert (await moderator.get(base)).status_code == 403
    assert (await moderator.get(f"{base}/{note['id']}")).status_code == 403
    assert (await moderator.post(base, json={"body": "me"})).status_code == 403
    assert (await managing.get(url(community, manager, "notes"))).status_code == 403
    elsewhere = await found_town(town.kit)
    for what in ("notes", f"notes/{note['id']}", "owner"):
        assert (await elsewhere.owner.get(url(community, mod, what))).status_code == 404
        assert (
            await town.kit.partner(town.organization, "members:read").get(url(community, mod, what))
        ).status_code == 403
    other = await town.community()
    assert (await town.owner.get(url(other, mod, "notes"))).status_code == 404, (
        "the community in the path is the note's"
    )
    for body in ("", "   ", "x" * 4001, "a\x00b"):
        assert (await managing.post(base, json={"body": body})).status_code == 422


async def test_somebody_looks_after_a_member(town: Town) -> None:
    community = await town.community()
    ann, her_client = await town.member(community)
    ben, _ = await town.member(community)
    mod, moderator = await town.member(community, roles=["moderator"])
    base = url(community, ann, "owner")
    assert (await moderator.get(base)).json()["owner"] is None
    refused = await town.owner.put(base, json={"account_id": ben["account_id"]}, headers=match(0))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/account_id")
    for stranger in (str(new_id()), str((await found_town(town.kit)).owner_id)):
        assert (await town.owner.put(base, json={"account_id": stranger}, headers=match(0))).status_code == 422
    assert (await moderator.put(base, json={"account_id": mod["account_id"]}, headers=match(0))).status_code == 403
    put = await town.owner.put(base, json={"account_id": mod["account_id"]}, headers=match(0))
    assert (put.status_code, put.headers["etag"], put.json()["can"]) == (200, '"1"', ["set", "clear"]), put.text
    again = await town.owner.put(base, json={"account_id": mod["account_id"]}, headers=match(1))
    assert again.json()["version"] == 1, "what changes nothing is no new version"
    listing = f"/v1/communities/{community['id']}/memberships"
    mine = (await moderator.get(listing, params={"owner": mod["account_id"]})).json()["data"]
    assert [one["id"] for one in mine] == [ann["id"]]
    assert (await her_client.get(listing, params={"owner": mod["account_id"]})).json()["data"] == []
    assert (await her_client.get(base)).status_code == 403
    assert (await town.owner.delete(base, headers=match(0))).status_code == 412
    assert (await town.owner.delete(base, headers=match(1))).status_code == 204
    assert (await town.owner.delete(base, headers=match(2))).status_code == 204
    told = [one for one in await town.kit.events(MembershipOwnerChanged) if one.organization == town.organization]
    assert [(one.aggregateversion, one.data["owner_id"]) for one in told] == [(1, mod["account_id"]), (2, None)]
    assert (await moderator.get(f"{listing}/{ann['id']}")).json()["version"] == ann["version"]


async def test_notes_and_owners_follow_a_merge(town: Town) -> None:
    community = await town.community()
    old, _ = await town.member(community)
    host, _ = await town.member(community, roles=["moderator"])
    successor = await town.account("Successor", role="admin")
    new = await town.account("Still the same")
    assert (await town.owner.post(url(community, old, "notes"), json={"body": WORDS})).status_code == 201
    set_ = await town.owner.put(url(community, old, "owner"), json={"account_id": host["account_id"]}, headers=match(0))
    assert set_.status_code == 200
    for goes, stays in ((UUID(old["account_id"]), new), (UUID(host["account_id"]), successor)):
        event = AccountMerged(account_id=stays, merged_account_id=goes)
        await town.kit.deliver(envelope(event, town.organization, stays, version=2))
    heir = await town.kit.sql("SELECT id::text FROM membership WHERE account_id = $1", new)
    moved = (await town.owner.get(url(community, dict(heir[0]), "notes"))).json()["data"]
    assert [one["body"] for one in moved] == [WORDS]
    owner = (await town.owner.get(url(community, dict(heir[0]), "owner"))).json()
    assert owner["owner"]["id"] == str(successor)
    told = [one for one in await town.kit.events(MembershipOwnerChanged) if one.organization == town.organization]
    last = {one.data["membership_id"]: (one.aggregateversion, one.data["owner_id"]) for one in told}
    assert last[heir[0]["id"]] == (2, str(successor))


@given(author=st.booleans(), manages=st.booleans(), moderates=st.booleans(), subject=st.booleans())
def test_only_authors_and_managers_change_notes(*, author: bool, manages: bool, moderates: bool, subject: bool) -> None:
    assert bool(notes.allowed(author=author, manages=manages)) == (author or manages)
    assert notes.readable(moderates=moderates, subject=subject) == (moderates and not subject)


@given(st.sampled_from([None, "admin", "owner"]), st.tuples(*[st.booleans()] * 5))
def test_owners_are_staff(role: str | None, flags: tuple[bool, ...]) -> None:
    merged, bot, member, staff, roles = flags
    may = owners.may_own(organization_role=role, merged=merged, bot=bot, member=member, staff=staff, roles=roles)
    assert may == (not merged and not bot and (role is not None or (member and staff) or (member and roles)))
