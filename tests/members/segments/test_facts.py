"""Facts: counted once, in any order, in the community's days, by living people."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from tests.members.town import Town, found_town

from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.base import Envelope
from contracts.content import CommentPublished, PostPublished, ReactionAdded, ReactionRemoved, SubjectKind
from contracts.members import AccountMerged

LATE = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
"""01:30 on March 2 in Shanghai."""


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found_town(kit)


def posted(town: Town, community: UUID, account: UUID, at: datetime) -> Envelope:
    event = PostPublished(post_id=new_id(), community_id=community, author_id=account, section="general")
    return envelope(event, town.organization, event.post_id, community_id=community, occurred_at=at)


def commented(town: Town, community: UUID, account: UUID, at: datetime) -> Envelope:
    event = CommentPublished(
        comment_id=new_id(),
        post_id=new_id(),
        community_id=community,
        author_id=account,
        post_author_id=new_id(),
        parent_id=None,
    )
    return envelope(event, town.organization, event.comment_id, community_id=community, occurred_at=at)


def reacted(town: Town, community: UUID, account: UUID, author: UUID, at: datetime, *, timed: bool = True) -> Envelope:
    event = ReactionAdded(
        reaction_id=new_id(),
        community_id=community,
        account_id=account,
        subject_kind=SubjectKind.POST,
        subject_id=new_id(),
        subject_author_id=author,
        emoji="👍",
        timed=timed,
    )
    return envelope(event, town.organization, event.reaction_id, community_id=community, occurred_at=at)


def turned(
    town: Town, community: UUID, reaction: UUID, people: tuple[UUID, UUID], at: datetime, version: int, *, taken: bool
) -> Envelope:
    """Return that somebody reacted, or took it back, as the next version of one reaction."""
    said = {
        "reaction_id": reaction,
        "community_id": community,
        "account_id": people[0],
        "subject_kind": SubjectKind.POST,
        "subject_id": new_id(),
        "subject_author_id": people[1],
        "emoji": "👍",
    }
    event = ReactionRemoved(**said) if taken else ReactionAdded(**said, timed=True)
    return envelope(event, town.organization, reaction, version=version, community_id=community, occurred_at=at)


async def figures(town: Town, community: UUID) -> list[list[tuple[object, ...]]]:
    queries = (
        "SELECT account_id, day, posts, comments, reactions FROM member_day WHERE community_id = $1 ORDER BY 1, 2",
        """SELECT account_id, posts, comments, reactions, active_days, first_active_at, last_active_at
        FROM member_facts WHERE community_id = $1 ORDER BY 1""",
        "SELECT account_id, from_account_id, day FROM reaction_received WHERE community_id = $1 ORDER BY 1, 2, 3",
    )
    return [[tuple(row) for row in await town.kit.sql(query, community)] for query in queries]


async def test_acts_are_counted_by_the_communitys_days(town: Town) -> None:
    community = UUID((await town.community(state="draft"))["id"])
    ann, ben = await town.account("Ann"), await town.account("Ben")
    await town.kit.deliver(
        posted(town, community, ann, LATE),
        posted(town, community, ann, LATE - timedelta(hours=2)),
        commented(town, community, ann, LATE + timedelta(minutes=5)),
        reacted(town, community, ben, ann, LATE),
        reacted(town, community, ben, ann, LATE + timedelta(hours=1)),
        reacted(town, community, ann, ann, LATE),
        reacted(town, community, ben, ann, LATE + timedelta(days=9), timed=False),
        posted(town, new_id(), ann, LATE),
    )
    days, totals, got = await figures(town, community)
    first, second = datetime(2026, 3, 1, tzinfo=UTC).date(), datetime(2026, 3, 2, tzinfo=UTC).date()
    assert days == sorted([(ann, first, 1, 0, 0), (ann, second, 1, 1, 1), (ben, second, 0, 0, 2)])
    assert totals == sorted(
        [
            (ann, 2, 1, 1, 2, LATE - timedelta(hours=2), LATE + timedelta(minutes=5)),
            (ben, 0, 0, 2, 1, LATE, LATE + timedelta(hours=1)),
        ]
    )
    assert got == [(ann, ben, second)], "nobody counts for reacting to oneself, and an unknown time counts for nothing"


async def test_redelivery_and_order_change_nothing(town: Town) -> None:
    one, other = UUID((await town.community(state="draft"))["id"]), UUID((await town.community(state="draft"))["id"])
    people = [await town.account(str(n)) for n in range(4)]
    dice = random.Random(7)
    acts = [
        (dice.randrange(3), dice.choice(people), dice.choice(people), LATE + timedelta(hours=dice.randrange(400)))
        for _ in range(120)
    ]
    for community, shuffled in ((one, False), (other, True)):
        events = []
        for kind, account, author, at in acts:
            events.append(
                [posted, commented][kind](town, community, account, at)
                if kind < 2
                else reacted(town, community, account, author, at)
            )
        if shuffled:
            dice.shuffle(events)
            for start in range(0, len(events), 7):
                await town.kit.deliver(*events[start : start + 10])
        else:
            await town.kit.deliver(*events)
        assert await town.kit.deliver(*events) == 0
    assert await figures(town, one) == await figures(town, other)
    days, totals, _ = await figures(town, one)
    for account, *rest in totals:
        mine = [day for day in days if day[0] == account]
        assert rest[:4] == [*(sum(day[n] for day in mine) for n in (2, 3, 4)), len(mine)]  # type: ignore[misc]


async def test_a_reaction_taken_back_counts_no_more(town: Town) -> None:
    community = UUID((await town.community(state="draft"))["id"])
    ann, ben = await town.account("Ann"), await town.account("Ben")
    day = datetime(2026, 3, 2, tzinfo=UTC).date()
    first, second = new_id(), new_id()
    await town.kit.deliver(
        turned(town, community, first, (ben, ann), LATE, 1, taken=False),
        turned(town, community, second, (ben, ann), LATE, 1, taken=False),
    )
    back = turned(town, community, first, (ben, ann), LATE + timedelta(days=3), 2, taken=True)
    await town.kit.deliver(back)
    assert await town.kit.deliver(back) == 0
    days, totals, got = await figures(town, community)
    assert (days, got) == ([(ben, day, 0, 0, 1)], [(ann, ben, day)]), "the other still stands"
    await town.kit.deliver(turned(town, community, second, (ben, ann), LATE + timedelta(days=4), 2, taken=True))
    days, totals, got = await figures(town, community)
    assert (days, got) == ([(ben, day, 0, 0, 0)], []), "who took it back was there that day all the same"
    assert [row[:5] for row in totals] == [(ben, 0, 0, 0, 1)]
    await town.kit.deliver(turned(town, community, first, (ben, ann), LATE + timedelta(days=5), 3, taken=False))
    _, totals, got = await figures(town, community)
    assert [row[:5] for row in totals] == [(ben, 0, 0, 1, 2)]
    assert got == [(ann, ben, day + timedelta(days=5))]


async def test_what_stands_does_not_depend_on_the_order(town: Town) -> None:
    communities = [UUID((await town.community(state="draft"))["id"]) for _ in range(5)]
    people = [await town.account(str(n)) for n in range(3)]
    dice = random.Random(11)
    pairs = [(dice.choice(people), dice.choice(people)) for _ in range(12)]
    turns = [dice.randrange(1, 6) for _ in pairs]
    for number, community in enumerate(communities):
        events = [
            turned(town, community, reaction, pair, LATE + timedelta(hours=7 * turn + place), turn, taken=turn % 2 == 0)
            for place, (reaction, pair, last) in enumerate(zip((new_id() for _ in pairs), pairs, turns, strict=True))
            for turn in range(1, last + 1)
        ]
        if number:
            dice.shuffle(events)
        size = dice.randrange(1, 9) if number else len(events)
        for start in range(0, len(events), size):
            await town.kit.deliver(*events[max(0, start - 2) : start + size])
    expected = await figures(town, communities[0])
    for community in communities[1:]:
        assert await figures(town, community) == expected
    standing = [pair for pair, last in zip(pairs, turns, strict=True) if last % 2]
    assert sum(row[3] for row in expected[1]) == len(standing)  # type: ignore[misc]
    assert {(row[1], row[0]) for row in expected[2]} == {pair for pair in standing if pair[0] != pair[1]}


@pytest.mark.parametrize("merge_at", [1, 2])
async def test_a_merged_persons_reaction_is_taken_back_from_the_living(town: Town, merge_at: int) -> None:
    community = UUID((await town.community(state="draft"))["id"])
    stays, goes, other = [await town.account(name) for name in ("stays", "goes", "other")]
    given, got = new_id(), new_id()
    await town.kit.deliver(
        turned(town, community, given, (goes, other), LATE, 1, taken=False),
        turned(town, community, got, (other, goes), LATE, 1, taken=False),
    )
    await town.kit.sql("UPDATE account SET merged_into = $1 WHERE id = $2", stays, goes)
    back = [
        turned(town, community, given, (goes, other), LATE, 2, taken=True),
        turned(town, community, got, (other, goes), LATE, 2, taken=True),
    ]
    merged = envelope(AccountMerged(account_id=stays, merged_account_id=goes), town.organization, stays, version=2)
    for one in [merged, *back] if merge_at == 1 else [*back, merged]:
        await town.kit.deliver(one)
    days, totals, received = await figures(town, community)
    assert {(row[0], *row[2:]) for row in days} == {(stays, 0, 0, 0), (other, 0, 0, 0)}
    assert {row[:5] for row in totals} == {(stays, 0, 0, 0, 1), (other, 0, 0, 0, 1)}
    assert received == []


@pytest.mark.parametrize("merge_at", [0, 2, 4])
async def test_a_merged_persons_acts_are_one_persons_whenever_the_merge_is_heard_of(town: Town, merge_at: int) -> None:
    community = UUID((await town.community(state="draft"))["id"])
    stays, goes, other = [await town.account(name) for name in ("stays", "goes", "other")]
    events = [
        posted(town, community, stays, LATE),
        posted(town, community, goes, LATE + timedelta(hours=1)),
        reacted(town, community, other, goes, LATE + timedelta(days=1)),
        reacted(town, community, goes, stays, LATE + timedelta(days=1)),
        reacted(town, community, goes, other, LATE + timedelta(days=2)),
    ]
    await town.kit.deliver(*events[:merge_at])
    await town.kit.sql("UPDATE account SET merged_into = $1 WHERE id = $2", stays, goes)
    merged = AccountMerged(account_id=stays, merged_account_id=goes)
    await town.kit.deliver(envelope(merged, town.organization, stays, version=2))
    await town.kit.deliver(*events)
    days, totals, got = await figures(town, community)
    assert {row[0] for row in days} == {row[0] for row in totals} == {stays, other}
    assert [row[1:5] for row in totals if row[0] == stays] == [(2, 0, 2, 3)]
    assert {row[:2] for row in got} == {(stays, other), (other, stays)}


async def test_a_later_merge_heard_of_first_leads_to_the_living(town: Town) -> None:
    community = UUID((await town.community(state="draft"))["id"])
    first, second, living = [await town.account(name) for name in ("1", "2", "3")]
    await town.kit.deliver(posted(town, community, first, LATE), posted(town, community, second, LATE))
    await town.kit.sql("UPDATE account SET merged_into = $1 WHERE id = ANY($2)", living, [first, second])
    for stays, goes in ((living, second), (second, first)):
        event = AccountMerged(account_id=stays, merged_account_id=goes)
        await town.kit.deliver(envelope(event, town.organization, stays, version=2))
    _, totals, _ = await figures(town, community)
    assert [row[:5] for row in totals] == [(living, 2, 0, 0, 1)]


async def test_a_backfill_counts_anew(town: Town) -> None:
    community = UUID((await town.community(state="draft"))["id"])
    ann = await town.account()
    events = [posted(town, community, ann, LATE), reacted(town, community, town.owner_id, ann, LATE)]
    await town.kit.deliver(*events)
    before = await figures(town, community)
    await town.kit.runtime.consumers["facts"].clear(town.kit.runtime.worker_engine)
    assert await figures(town, community) == [[], [], []]
    await town.kit.deliver(*events)
    assert await figures(town, community) == before
