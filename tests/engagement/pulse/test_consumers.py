"""Facts from events: each once, in any order, of any origin."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from chassis.db import transaction
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.base import Envelope, Origin
from contracts.content import CommentPublished, PostDeleted, PostPublished, ReactionAdded, ReactionRemoved, SubjectKind
from contracts.members import MembershipState
from engagement.pulse import queries
from engagement.pulse.consumers import consumers

MONDAY = datetime(2018, 1, 1, 4, tzinfo=UTC)


class Place:
    """A community of one tenant, and what happens in it."""

    def __init__(self, kit: Kit, organization: UUID, community: UUID) -> None:
        self.kit, self.organization, self.community = kit, organization, community

    def post(self, account: UUID, at: datetime, origin: Origin = Origin.LIVE) -> Envelope:
        event = PostPublished(post_id=new_id(), community_id=self.community, author_id=account, section="general")
        return envelope(
            event, self.organization, event.post_id, community_id=self.community, occurred_at=at, origin=origin
        )

    def comment(self, account: UUID, at: datetime) -> Envelope:
        event = CommentPublished(
            comment_id=new_id(),
            post_id=new_id(),
            community_id=self.community,
            author_id=account,
            post_author_id=new_id(),
            parent_id=None,
        )
        return envelope(event, self.organization, event.comment_id, community_id=self.community, occurred_at=at)

    def reaction(self, account: UUID, at: datetime, *, timed: bool, version: int = 1) -> Envelope:
        event = ReactionAdded(
            reaction_id=new_id(),
            community_id=self.community,
            account_id=account,
            subject_kind=SubjectKind.POST,
            subject_id=new_id(),
            subject_author_id=new_id(),
            emoji="👍",
            timed=timed,
        )
        return envelope(
            event, self.organization, event.reaction_id, community_id=self.community, occurred_at=at, version=version
        )

    async def pulse(self, zone: str = "Asia/Shanghai") -> dict[str, object]:
        found = await queries.get_pulse(self.kit.runtime.reader, self.organization, self.community, zone)
        return dict(orjson.loads(found))


async def place_of(kit: Kit) -> Place:
    organization = new_id()
    return Place(kit, organization, await kit.community(organization))


async def test_posts_comments_and_timed_reactions_are_activity(kit: Kit) -> None:
    place = await place_of(kit)
    ann, ben, carl, dora, eve, bot, staff = [
        await kit.member(place.organization, place.community, **options)
        for options in ({}, {}, {}, {}, {"state": MembershipState.LEFT}, {"bot": True}, {"staff": True})
    ]
    stranger = new_id()
    gone = place.post(ann, MONDAY + timedelta(days=7))
    await kit.deliver(
        place.post(ann, MONDAY, Origin.IMPORT),
        place.comment(ben, MONDAY),
        place.reaction(carl, MONDAY, timed=True),
        place.reaction(dora, MONDAY, timed=False),
        place.post(eve, MONDAY),
        *(place.post(account, MONDAY) for account in (bot, staff, stranger)),
        gone,
    )
    deleted = PostDeleted(post_id=gone.aggregateid, community_id=place.community, author_id=ann)
    await kit.deliver(envelope(deleted, place.organization, gone.aggregateid, community_id=place.community, version=2))
    found = await place.pulse()
    assert found == {
        "zone": "Asia/Shanghai",
        "members": 4,
        "never_active": 1,
        "member_days": 5,
        "weeks": [
            {"week": "2018-W01", "active": 4, "new": 4, "returning": 0, "resurrected": 0, "dormant": 0},
            {"week": "2018-W02", "active": 1, "new": 0, "returning": 1, "resurrected": 0, "dormant": 3},
        ],
    }


async def test_every_event_counts_once_in_any_order(kit: Kit) -> None:
    dice = random.Random(3)
    results = []
    for _ in range(2):
        place = await place_of(kit)
        accounts = [await kit.member(place.organization, place.community) for _ in range(5)]
        events = []
        for number in range(30):
            account, at = accounts[number % 5], MONDAY + timedelta(days=number * number % 40)
            events += [place.post(account, at), place.comment(account, at), place.reaction(account, at, timed=True)]
        dice.shuffle(events)
        for batch in (events[:17], events[3:50], events[50:], events):
            await kit.deliver(*batch)
        [row] = await kit.sql("SELECT count(*) FROM activity WHERE community_id = $1", place.community)
        assert row["count"] == len(events)
        results.append({**await place.pulse(), "zone": None})
    assert results[0] == results[1]


async def test_several_versions_of_one_reaction_are_several_facts(kit: Kit) -> None:
    place = await place_of(kit)
    account = await kit.member(place.organization, place.community)
    late = place.reaction(account, MONDAY + timedelta(days=9), timed=True, version=3)
    early = late.model_copy(update={"id": new_id(), "time": MONDAY, "aggregateversion": 1})
    removed = ReactionRemoved.model_validate({name: late.data[name] for name in ReactionRemoved.model_fields})
    between = envelope(removed, place.organization, late.aggregateid, community_id=place.community, version=2)
    await kit.deliver(late)
    await kit.deliver(between)
    await kit.deliver(early)
    assert (await place.pulse())["member_days"] == 2


async def test_batches_that_share_events_do_not_deadlock(kit: Kit) -> None:
    place = await place_of(kit)
    account = await kit.member(place.organization, place.community)
    events = [place.post(account, MONDAY + timedelta(hours=number)) for number in range(200)]

    async def take(seed: int) -> int:
        mine = random.Random(seed).sample(events, 150)
        async with transaction(kit.runtime.worker_engine) as session:
            return await consumers.take(session, mine)

    fresh = await asyncio.gather(*(take(seed) for seed in range(6)))
    [row] = await kit.sql("SELECT count(*) FROM activity WHERE community_id = $1", place.community)
    assert sum(fresh) == row["count"]


async def test_clearing_forgets_every_tenant_and_a_replay_brings_all_back(kit: Kit) -> None:
    places = [await place_of(kit), await place_of(kit)]
    events = []
    for place in places:
        account = await kit.member(place.organization, place.community)
        events += [place.post(account, MONDAY), place.comment(account, MONDAY + timedelta(days=1))]
    await kit.deliver(*events)
    before = [await place.pulse() for place in places]
    await consumers.clear(kit.runtime.worker_engine)
    assert [row["count"] for row in await kit.sql("SELECT count(*) FROM activity")] == [0]
    assert (await places[0].pulse())["members"] == 1
    await kit.deliver(*events)
    assert [await place.pulse() for place in places] == before
