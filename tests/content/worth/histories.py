"""A history of a community as people live it, and what its pieces are worth by a plain recount of all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from tests.content.conftest import Place, if_match, make_place

from chassis import clock
from chassis.clock import MovableClock
from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from contracts.engagement import OrderRecorded, OrderReversed
from contracts.members import (
    CommunityCreated,
    CommunityState,
    MembershipApproved,
    MembershipState,
    ReferralQualified,
    ReferralReversed,
)


@dataclass
class Person:
    """A member, or (never joined) the organization's staff."""

    account: UUID
    joined_at: datetime | None
    staff: bool = False
    bot: bool = False
    membership: UUID = field(default_factory=new_id)
    version: int = 0

    @property
    def counts(self) -> bool:
        return self.joined_at is not None and not self.staff and not self.bot


@dataclass
class Comment:
    post: int
    author: int
    id: str
    version: int
    parent_author: int | None
    shown: bool = True


@dataclass
class History:
    """What happened, noted beside the service."""

    place: Place
    zone: ZoneInfo
    time: MovableClock
    people: list[Person] = field(default_factory=list)
    posts: list[tuple[str, int]] = field(default_factory=list)
    acts: list[tuple[int, datetime]] = field(default_factory=list)
    reads: dict[tuple[int, int], datetime] = field(default_factory=dict)
    saves: set[tuple[int, int]] = field(default_factory=set)
    reactions: set[tuple[int, int]] = field(default_factory=set)
    comments: list[Comment] = field(default_factory=list)
    given: dict[tuple[str, UUID], tuple[int | None, int | None, bool]] = field(default_factory=dict)
    versions: dict[UUID, int] = field(default_factory=dict)

    @property
    def kit(self) -> Kit:
        return self.place.kit

    def client(self, who: int) -> httpx.AsyncClient:
        person = self.people[who]
        make = self.kit.person if person.joined_at else self.kit.staff
        return make(self.place.organization, person.account)

    async def tell(self, who: int) -> None:
        """Tell what a member is by now."""
        person = self.people[who]
        person.version += 1
        event = MembershipApproved(
            membership_id=person.membership,
            community_id=self.place.community,
            account_id=person.account,
            state=MembershipState.APPROVED,
            roles=[],
            staff=person.staff,
            bot=person.bot,
            joined_at=person.joined_at,
        )
        told = envelope(
            event, self.place.organization, person.membership, version=person.version, community_id=self.place.community
        )
        await self.kit.deliver(told, told)

    async def come(self, *, staff: bool = False, bot: bool = False, outsider: bool = False) -> int:
        self.people.append(Person(new_id(), None if outsider else clock.now(), staff, bot))
        if not outsider:
            await self.tell(len(self.people) - 1)
        return len(self.people) - 1

    async def write(self, who: int) -> int:
        post = await self.place.post(self.client(who))
        self.posts.append((post["id"], who))
        self.acts.append((who, clock.now()))
        return len(self.posts) - 1

    async def read(self, who: int, post: int) -> None:
        answer = await self.client(who).post(f"{self.place.path}/reads", json={"post_ids": [self.posts[post][0]]})
        assert answer.status_code == 200, answer.text
        if self.posts[post][1] != who and (who, post) not in self.reads:
            self.reads[who, post] = clock.now()
            self.acts.append((who, clock.now()))

    async def save(self, who: int, post: int) -> None:
        url = f"{self.place.path}/posts/{self.posts[post][0]}/bookmark"
        if (who, post) in self.saves:
            assert (await self.client(who).delete(url)).status_code == 204
            self.saves.discard((who, post))
        else:
            assert (await self.client(who).put(url)).status_code == 200
            self.saves.add((who, post))
            self.acts.append((who, clock.now()))

    async def react(self, who: int, post: int) -> None:
        answer = await self.client(who).put(f"{self.place.path}/posts/{self.posts[post][0]}/reactions/👍")
        assert answer.status_code == 200, answer.text
        if (who, post) not in self.reactions:
            self.reactions.add((who, post))
            self.acts.append((who, clock.now()))

    async def comment(self, who: int, post: int, *, answering: int | None = None) -> None:
        threads = [one for one in self.comments if one.post == post and one.shown]
        parent = threads[answering % len(threads)] if threads and answering is not None else None
        fields: dict[str, Any] = {"parent_id": parent.id} if parent else {}
        made = await self.place.comment(self.client(who), self.posts[post][0], **fields)
        self.comments.append(Comment(post, who, made["id"], made["version"], parent.author if parent else None))
        self.acts.append((who, clock.now()))

    async def take_back(self, number: int) -> None:
        """Delete a comment that nobody answered."""
        shown = [one for one in self.comments if one.shown]
        if not shown:
            return
        one = shown[number % len(shown)]
        url = f"{self.place.path}/comments/{one.id}"
        answer = await self.client(one.author).delete(url, headers=if_match(one.version))
        assert answer.status_code == 204, answer.text
        one.shown = False

    async def give(self, kind: str, source: UUID, post: int | None, who: int | None, *, counts: bool) -> None:
        """Tell of an order or a referral, twice over, as a broker may."""
        version = self.versions[source] = self.versions.get(source, 0) + 1
        self.given[kind, source] = (post, who, counts)
        post_id = UUID(self.posts[post][0]) if post is not None else None
        account = self.people[who].account if who is not None else None
        event: OrderRecorded | ReferralQualified
        if kind == "order":
            order = OrderRecorded if counts else OrderReversed
            event = order(
                order_id=source,
                account_id=account,
                community_id=self.place.community,
                source="crm",
                external_id=str(source),
                placed_at=clock.now(),
                currency="CNY",
                amount_fen=100,
                reversed_fen=0 if counts else 100,
                cancelled=False,
                post_id=post_id,
            )
        else:
            referral = ReferralQualified if counts else ReferralReversed
            event = referral(
                referral_id=source,
                community_id=self.place.community,
                referrer_id=account or new_id(),
                account_id=new_id(),
                post_id=post_id,
                counts=counts,
            )
        told = envelope(event, self.place.organization, source, version=version, community_id=self.place.community)
        await self.kit.deliver(told)
        await self.kit.deliver(told)

    async def settle(self) -> None:
        """Let the worker do what is due by now, and what that makes due."""
        for _ in range(3):
            await self.kit.work()
            self.time.move(minutes=6)
        await self.kit.work()

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def worth(self, post: int) -> dict[str, Any]:
        """Recount a piece from everything that happened."""
        author = self.posts[post][1]

        def other(who: int | None) -> bool:
            return who is None or (who != author and self.people[who].counts)

        said = [one for one in self.comments if one.post == post and one.shown and other(one.author)]
        active = {(who, self.day(at)) for who, at in self.acts}
        today = self.day(clock.now())
        compared = returned = 0
        expected = Decimal(0)
        for (who, read), at in self.reads.items():
            first, joined = self.day(at), self.people[who].joined_at
            if read != post or not other(who) or joined is None or first + timedelta(days=2) > today:
                continue
            habit_days = min(28, (first - self.day(joined)).days)
            if habit_days >= 7:
                before = sum((who, first - timedelta(days=number)) in active for number in range(1, habit_days + 1))
                compared += 1
                returned += (who, first + timedelta(days=1)) in active
                expected += (Decimal(before) / habit_days).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        seen = {who for who, _ in self.acts}
        standing = [
            (kind, who)
            for (kind, _), (to, who, counts) in self.given.items()
            # Who never joined nor did anything here is a customer like any other, as far as anybody here knows.
            if to == post and counts and (other(who) or (who not in seen and self.people[who].joined_at is None))
        ]
        return {
            "readers": sum(read == post and other(who) for who, read in self.reads),
            "saves": sum(saved == post and other(who) for who, saved in self.saves),
            "discussants": len({one.author for one in said}),
            "repliers": len({one.author for one in said if one.parent_author not in {None, one.author}}),
            "compared": compared,
            "returned": returned,
            "expected": float(expected),
            "uplift": round(float((returned - expected) / compared), 4) if compared else None,
            "referrals": sum(kind == "referral" for kind, _ in standing),
            "orders": sum(kind == "order" for kind, _ in standing),
        }

    async def answer(self, post: int) -> dict[str, Any]:
        """What the service says of a piece."""
        url = f"{self.place.path}/posts/{self.posts[post][0]}/worth"
        answer = await self.kit.staff(self.place.organization).get(url)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def check(self) -> None:
        for post in range(len(self.posts)):
            assert (await self.answer(post))["figures"] == self.worth(post), (post, self)


async def begin(kit: Kit, time: MovableClock, zone: str = "Asia/Shanghai") -> History:
    place = await make_place(kit)
    event = CommunityCreated(
        community_id=new_id(), slug=f"c-{new_id().hex[-12:]}", zone=zone, state=CommunityState.OPEN
    )
    await kit.deliver(envelope(event, place.organization, event.community_id, community_id=event.community_id))
    return History(Place(kit, place.organization, event.community_id), ZoneInfo(zone), time)
