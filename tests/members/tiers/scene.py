"""A community with a tier standard and members with a past, for tests."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import httpx
from tests.members.town import Town

from chassis.ids import new_id


@dataclass
class Scene:
    """One community; figures are written as facts would count them."""

    town: Town
    community: dict[str, Any]

    @property
    def id(self) -> UUID:
        return UUID(self.community["id"])

    def url(self, rest: str = "") -> str:
        return f"/v1/communities/{self.community['id']}{rest}"

    async def draft(self, tiers: list[dict[str, Any]], grace: int = 14) -> httpx.Response:
        answer = await self.town.owner.post(self.url("/tier-standards"), json={"tiers": tiers, "grace_days": grace})
        assert answer.status_code == 201, answer.text
        return answer

    async def adopt(self, tiers: list[dict[str, Any]], grace: int = 14) -> int:
        drafted = await self.draft(tiers, grace)
        number: int = drafted.json()["number"]
        answer = await self.town.owner.post(
            self.url(f"/tier-standards/{number}/adopt"), headers={"If-Match": drafted.headers["etag"]}
        )
        assert answer.status_code == 200, answer.text
        await self.town.kit.work()
        return number

    async def member(
        self, *, joined: datetime, state: str = "approved", staff: bool = False, account: UUID | None = None
    ) -> UUID:
        account = account or await self.town.account()
        await self.town.kit.sql(
            "INSERT INTO membership (id, organization_id, community_id, account_id, state, roles, staff, bot, applied_at, "
            "joined_at, version) VALUES ($1, $2, $3, $4, $5, '{}', $6, false, $7, $7, 1)",
            new_id(),
            self.town.organization,
            self.id,
            account,
            state,
            staff,
            joined,
        )
        return account

    async def acts(self, account: UUID, day: date, posts: int = 0, comments: int = 0, reactions: int = 0) -> None:
        await self.town.kit.sql(
            "INSERT INTO member_day VALUES ($1, $2, $3, $4, $5, $6, $7)",
            self.town.organization,
            self.id,
            account,
            day,
            posts,
            comments,
            reactions,
        )

    async def summed(self) -> None:
        """Bring the sums in line with the days; the last activity is at noon of the last day, in Shanghai."""
        await self.town.kit.sql(
            """INSERT INTO member_facts SELECT organization_id, community_id, account_id, sum(posts), sum(comments),
            sum(reactions), count(*), min(day + time '04:00' AT TIME ZONE 'UTC'), max(day + time '04:00' AT TIME ZONE 'UTC')
            FROM member_day WHERE community_id = $1 GROUP BY 1, 2, 3
            ON CONFLICT (community_id, account_id) DO UPDATE SET posts = EXCLUDED.posts, comments = EXCLUDED.comments,
            reactions = EXCLUDED.reactions, active_days = EXCLUDED.active_days, last_active_at = EXCLUDED.last_active_at,
            first_active_at = EXCLUDED.first_active_at""",
            self.id,
        )

    async def reacted(self, account: UUID, giver: UUID, day: date) -> None:
        await self.town.kit.sql(
            "INSERT INTO reaction_received VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            self.town.organization,
            self.id,
            account,
            giver,
            day,
        )

    async def tiers(self) -> dict[UUID, str | None]:
        rows = await self.town.kit.sql("SELECT account_id, tier_code FROM tier_member WHERE community_id = $1", self.id)
        return {row["account_id"]: row["tier_code"] for row in rows}

    async def reasons(self, account: UUID) -> list[str]:
        rows = await self.town.kit.sql(
            "SELECT reason FROM tier_move WHERE community_id = $1 AND account_id = $2 ORDER BY id", self.id, account
        )
        return [row["reason"] for row in rows]


async def found_scene(town: Town) -> Scene:
    return Scene(town, await town.community(state="draft"))
