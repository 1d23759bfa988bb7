"""A person goes: what they said as themselves and what is kept of them, by the rule of docs/privacy.md, and nothing of anybody else."""

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.content.conftest import Place, if_match, make_place
from tests.content.tallies.test_counting import COUNTED

from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from content.erasure import commands
from contracts.base import Envelope, Event
from contracts.content import CommentDeleted, PostDeleted, ReactionRemoved
from contracts.members import (
    CommunityRole,
    ErasureOrdered,
    GroupMemberJoined,
    PhoneVerificationChanged,
    SanctionImposed,
    SanctionKind,
    TierChanged,
)

RULE = (Path(__file__).parents[3] / "docs" / "privacy.md").read_text()
SECRET = "我住在望京花园"
"""What the person says, and nobody else."""
NAMES_PEOPLE = """
SELECT relname || '.' || attname AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND NOT attisdropped
    AND atttypid IN ('uuid'::regtype, 'uuid[]'::regtype, 'text'::regtype) AND (attname IN ('account_id', 'owner_id', 'hosts', 'mentions', 'caller') OR attname ~ '(_by|author_id|writer_id|editor_id|reviewer_id)$')
"""


def named(heading: str) -> set[str]:
    """The columns that a table of the page names."""
    table = RULE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return set(re.findall(r"`([a-z_]+\.[a-z_]+)`", table))


WORTH = {
    "worth_active_day": "$1, gen_random_uuid(), '2026-01-01', $2",
    "worth_outsider": "gen_random_uuid(), $1, $2",
    "worth_attribution": "'order', gen_random_uuid(), $2, NULL, $1, true",
}
"""What the worker and partners would have brought by now."""
GOES, STAYS = named("goes"), named("stays")


async def tell(place: Place, event: Event, aggregate: UUID) -> None:
    await place.kit.deliver(envelope(event, place.organization, aggregate, community_id=place.community))


async def erase(place: Place, account: UUID) -> None:
    order = ErasureOrdered(erasure_id=new_id(), account_id=account)
    await place.kit.deliver(envelope(order, place.organization, order.erasure_id))


async def where(kit: Kit, account: UUID, columns: Iterable[str]) -> set[str]:
    """The columns in which an account stands somewhere."""
    found = set()
    for column in columns:
        table, _, name = column.partition(".")
        rows = await kit.sql(
            f"SELECT 1 FROM {table} WHERE {name}::text LIKE '%' || $1 || '%' LIMIT 1",
            str(account),
        )
        found |= {column} if rows else set()
    return found


async def told(place: Place, *kinds: type[Event]) -> list[Envelope]:
    return [one for one in await place.kit.events(*kinds) if one.organization == place.organization]


async def watch(place: Place, moderator: httpx.AsyncClient) -> None:
    """Have a detector find what the person says."""
    clause = {"clause_code": "1", "clause_text": {"zh": "不留地址"}}
    settings = {"kind": "words", "words": ["望京"]}
    flag = {"name": "d", "action": "flag", "settings": settings, **clause}
    assert (await moderator.post(f"{place.path}/detectors", json=flag)).status_code == 201


async def what_members_tell(place: Place, account: UUID) -> None:
    """Let content know of a group, a tier, a mute that is over, and a phone."""
    membership, group = new_id(), new_id()
    here = {"community_id": place.community, "account_id": account}
    joined = GroupMemberJoined(membership_id=membership, group_id=group, group_ids=[group], **here)
    tier = TierChanged(
        membership_id=membership,
        from_tier=None,
        to_tier="regular",
        grace_until=None,
        manual_until=None,
        standard_version=1,
        reason="tier-rose",
        **here,
    )
    mute = SanctionImposed(
        sanction_id=new_id(),
        kind=SanctionKind.MUTE,
        clause="3.2",
        clause_text={"zh": "不发广告"},
        from_at="2020-01-01T00:00:00Z",
        until="2020-01-02T00:00:00Z",
        **here,
    )
    for event in (joined, tier, mute):
        await tell(place, event, new_id())
    await tell(place, PhoneVerificationChanged(account_id=account, verified=True), account)


async def test_every_column_that_names_a_person_is_decided_upon(kit: Kit) -> None:
    columns = {str(row["name"]) for row in await kit.sql(NAMES_PEOPLE)}
    assert GOES.isdisjoint(STAYS)
    assert columns == GOES | STAYS


async def check_told(place: Place, other_id: UUID, posts: list[Any], comments: list[Any], emojis: set[Any]) -> None:
    """Each text and each emoji is told once, at a version of its own."""
    assert {(one.aggregateid, one.aggregateversion) for one in await told(place, PostDeleted)} == set(posts)
    assert [(one.aggregateid, one.aggregateversion) for one in await told(place, CommentDeleted)] == comments
    removed = await told(place, ReactionRemoved)
    taken = {(one.data["subject_id"], one.data["emoji"], one.aggregateversion) for one in removed}
    assert taken == emojis
    assert (len(removed), {one.data["subject_author_id"] for one in removed}) == (3, {str(other_id)})


async def test_what_a_person_said_and_what_is_kept_of_them_goes(kit: Kit, place: Place) -> None:
    account, person = await place.member()
    other_id, other = await place.member()
    _, editor = await place.member(CommunityRole.EDITOR)
    moderator_id, moderator = await place.member(CommunityRole.MODERATOR)
    await watch(place, moderator)
    mine = await place.post(person, SECRET, title=SECRET)
    edited = await person.patch(
        f"{place.path}/posts/{mine['id']}", json={"body": f"{SECRET}!"}, headers=if_match(mine["version"])
    )
    assert edited.status_code == 200
    draft = await place.post(person, SECRET, draft=True)
    theirs = await place.post(other, f"<@{account}> 早")
    asked = await place.post(editor, "请确认", kind="announcement", title="规则", acknowledge=True)
    comment = await place.comment(person, theirs["id"], SECRET)
    reply = await place.comment(other, theirs["id"], "我也是", parent_id=comment["id"])
    answer = await place.comment(other, mine["id"], "欢迎")
    for client, subject, emoji in ((person, theirs, "👍"), (person, theirs, "🎉"), (other, theirs, "👍")):
        assert (await client.put(f"{place.path}/posts/{subject['id']}/reactions/{emoji}")).status_code < 300
    assert (await person.put(f"{place.path}/comments/{reply['id']}/reactions/👍")).status_code < 300
    for client in (person, editor):
        assert (await client.put(f"{place.path}/posts/{theirs['id']}/bookmark")).status_code == 200
        assert (await client.post(f"{place.path}/reads", json={"post_ids": [theirs["id"]]})).status_code == 200
        assert (await client.put(f"{place.path}/posts/{asked['id']}/acknowledgement")).status_code == 200
    horizon = {"until": (await kit.sql("SELECT now() - interval '1 day' AS at"))[0]["at"].isoformat()}
    assert (await person.put(f"{place.path}/reads/horizon", json=horizon)).status_code == 200
    await what_members_tell(place, account)
    await kit.sql(
        "INSERT INTO hold VALUES ($1, $2, $3, 'post', $4, $5, 'detector', '1', now(), 'released', now(), $6, $7, 2)",
        *(new_id(), place.organization, place.community, UUID(mine["id"]), account, moderator_id, SECRET),
    )
    for table, values in WORTH.items():
        await kit.sql(f"INSERT INTO {table} VALUES ({values})", account, place.organization)
    here = GOES - {"post_proposal.proposed_by", "media.owner_id"}
    assert await where(kit, account, here) == here
    kept = await where(kit, other_id, here)

    await erase(place, account)
    await kit.work()
    left = await where(kit, account, GOES)
    # What is left are tombstones: they say that somebody was there, and not what they said.
    assert left == {"post.author_id", "comment.author_id", "reaction.account_id"}
    tables = {column.partition(".")[0] for column in GOES | STAYS} | {"post_revision", "search_document", "due_work"}
    for table in tables:
        assert await kit.sql(f"SELECT 1 FROM {table} AS row WHERE row::text LIKE '%' || $1 || '%'", SECRET) == [], table
    gone = await kit.sql(
        "SELECT id, state, version FROM post WHERE author_id = $1 AND deleted_at IS NOT NULL ORDER BY id", account
    )
    assert [tuple(row) for row in gone] == [(UUID(one["id"]), "removed", n) for one, n in ((mine, 3), (draft, 2))]
    # Others keep what is theirs, and their answers their place.
    assert await where(kit, other_id, here) == kept
    assert (await other.get(f"{place.path}/posts/{mine['id']}")).status_code == 404
    thread = (await other.get(f"{place.path}/posts/{theirs['id']}/comments")).json()["data"]
    assert reply["id"] in {one["id"] for one in thread}
    assert await kit.sql("SELECT 1 FROM comment WHERE id = $1 AND deleted_at IS NULL", UUID(answer["id"])) != []
    shown = (await other.get(f"{place.path}/posts/{theirs['id']}")).json()
    assert (shown["comment_count"], shown["reaction_counts"], shown["body"]) == (1, {"👍": 1}, f"<@{account}> 早")
    [counted] = await kit.sql(COUNTED, UUID(theirs["id"]))
    for count in ("reader", "save", "reactor"):
        assert (counted[f"{count}s"], counted[f"{count}_rows"]) == (1, 1)
    # Who is gone belongs nowhere, while their token is good.
    assert (await person.get(f"{place.path}/posts")).status_code == 403
    posts = [(UUID(mine["id"]), 3), (UUID(draft["id"]), 2)]
    emojis = {(theirs["id"], "👍", 3), (theirs["id"], "🎉", 4), (reply["id"], "👍", 2)}
    await check_told(place, other_id, posts, [(UUID(comment["id"]), 2)], emojis)


async def test_what_an_editor_did_for_the_community_stays(kit: Kit, place: Place) -> None:
    account, editor = await place.member(CommunityRole.EDITOR)
    _, member = await place.member()
    persona = await kit.staff(place.organization).post("/v1/brand-personas", json={"name": {"zh": "小英老师"}})
    assert persona.status_code == 201, persona.text
    article = await place.post(editor, "长文", kind="article", title="读书")
    voice = await place.post(editor, "我是小英", persona_id=persona.json()["id"])
    own = await place.post(editor, "我自己说")
    item = {"kind": "post", "body": "大家好", "state": "ready"}
    item = (await editor.post(f"{place.path}/items", json=item)).json()
    targets = {"targets": [{"community_id": str(place.community)}]}
    assert (await editor.post(f"{place.path}/items/{item['id']}/sends", json=targets)).status_code == 202
    await kit.work()
    await erase(place, account)
    await kit.work()
    seen = {one["body"] for one in (await member.get(f"{place.path}/posts")).json()["data"]}
    assert seen == {"长文", "我是小英", "大家好"}
    assert [one.data["post_id"] for one in await told(place, PostDeleted)] == [own["id"]]
    assert {article["author_id"], voice["author_id"]} == {str(account)}


async def test_the_sealed_log_outlives_the_person(kit: Kit, place: Place) -> None:
    account, person = await place.member()
    manager = (await place.member(CommunityRole.MANAGER))[1]
    answer = await manager.put(f"{place.path}/moderation-policy", json={"profile": "china"}, headers=if_match(0))
    assert answer.status_code == 200, answer.text
    await tell(place, PhoneVerificationChanged(account_id=account, verified=True), account)
    await place.post(person)
    log = "SELECT id, sealed, destroy_at FROM publication_log WHERE community_id = $1"
    before = await kit.sql(log, place.community)
    assert len(before) == 1
    await erase(place, account)
    await kit.work()
    assert await kit.sql(log, place.community) == before
    assert await where(kit, account, ["verified_phone.account_id"]) == set()


async def test_much_goes_in_batches_and_each_is_told_once(
    kit: Kit, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "BATCH", 2)
    account, person = await place.member()
    _, other = await place.member()
    subjects = [await place.post(other, f"n{number}") for number in range(5)]
    for subject in subjects:
        await place.post(person, "x")
        await place.comment(person, subject["id"])
        await person.put(f"{place.path}/posts/{subject['id']}/reactions/👍")
    await erase(place, account)
    assert await kit.work() == 3
    for kind in (PostDeleted, CommentDeleted, ReactionRemoved):
        events = await told(place, kind)
        assert (len(events), len({one.aggregateid for one in events})) == (5, 5)
    for subject in subjects:
        shown = (await other.get(f"{place.path}/posts/{subject['id']}")).json()
        assert (shown["comment_count"], shown["reaction_counts"]) == (0, {})


async def test_what_was_under_way_goes_once_its_token_is_dead(
    kit: Kit, place: Place, movable_clock: MovableClock
) -> None:
    account, person = await place.member()
    await place.post(person, "before")
    await erase(place, account)
    await kit.work()

    async def under_way() -> list[Any]:
        return await kit.sql(
            "SELECT payload, due_at FROM due_work WHERE kind = $1 AND key = $2", commands.ERASE, str(account)
        )

    [row] = await under_way()
    assert row["due_at"] == movable_clock() + timedelta(minutes=15)
    # An older membership comes once more, and with it what the person had sent.
    await kit.member(place.organization, place.community, account, version=9)
    late = await place.post(kit.person(place.organization, account), SECRET)
    await kit.work()
    assert await kit.sql("SELECT 1 FROM post WHERE id = $1 AND deleted_at IS NULL", UUID(late["id"])) != []
    movable_clock.move(minutes=15)
    await kit.work()
    assert await kit.sql("SELECT 1 FROM post WHERE id = $1 AND deleted_at IS NULL", UUID(late["id"])) == []
    assert await where(kit, account, ["standing_member.account_id"]) == set()
    assert await under_way() == []
    assert len(await told(place, PostDeleted)) == 2


async def test_an_order_of_another_organization_erases_nothing(kit: Kit, place: Place) -> None:
    account, person = await place.member()
    post = await place.post(person)
    await erase(await make_place(kit), account)
    await kit.work()
    assert (await person.get(f"{place.path}/posts/{post['id']}")).status_code == 200
    assert await told(place, PostDeleted) == []
