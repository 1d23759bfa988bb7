"""An organization with people in it, for tests of communities and memberships."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from tests.readiness import STEPS

from chassis.ids import new_id
from chassis.testing.kit import Kit, envelope
from chassis.tokens import OWNER_SCOPE
from contracts.content import SlotDefined, SlotEvent


@dataclass
class Town:
    kit: Kit
    organization: UUID
    owner_id: UUID

    @property
    def owner(self) -> httpx.AsyncClient:
        return self.kit.staff(self.organization, self.owner_id, scope=OWNER_SCOPE)

    async def account(self, name: str = "小雨", *, role: str | None = None) -> UUID:
        account = new_id()
        await self.kit.sql(
            "INSERT INTO account (id, organization_id, display_name, locale, zone, bot, organization_role, version, created_at) "
            "VALUES ($1, $2, $3, 'zh', 'UTC', false, $4, 1, now())",
            account,
            self.organization,
            name,
            role,
        )
        return account

    async def person(self, name: str = "小雨") -> tuple[UUID, httpx.AsyncClient]:
        account = await self.account(name)
        return account, self.kit.person(self.organization, account)

    async def make_ready(self, community_id: str) -> None:
        """Give a draft what it needs before it may open."""
        for step in STEPS:
            url = f"/v1/communities/{community_id}/{step.path}"
            answer = await self.owner.request(step.method, url, json=step.body, headers=step.headers)
            assert answer.is_success, answer.text
        await self.tell_of_slot(community_id)

    async def tell_of_slot(
        self, community_id: str, kind: type[SlotEvent] = SlotDefined, *, slot_id: UUID | None = None, version: int = 1
    ) -> UUID:
        """Let members know of a slot of content's under a theme; return its id."""
        event = kind(
            slot_id=slot_id or new_id(),
            community_id=UUID(community_id),
            group_id=None,
            kind="daily_topic",
            theme_id=new_id(),
            rrule="FREQ=DAILY",
            at="12:30",
            zone="Asia/Shanghai",
        )
        await self.kit.deliver(
            envelope(event, self.organization, event.slot_id, community_id=event.community_id, version=version)
        )
        return event.slot_id

    async def community(self, *, state: str = "open", slug: str | None = None) -> dict[str, Any]:
        answer = await self.owner.post(
            "/v1/communities",
            json={"name": {"zh": "英语学习社群"}, "slug": slug or f"c-{new_id().hex[-12:]}", "zone": "Asia/Shanghai"},
        )
        assert answer.status_code == 201, answer.text
        community: dict[str, Any] = answer.json()
        if state in {"open", "paused"}:
            await self.make_ready(community["id"])
        for step in {"draft": [], "open": ["open"], "paused": ["open", "pause"], "archived": ["archive"]}[state]:
            answer = await self.owner.post(
                f"/v1/communities/{community['id']}/{step}", headers={"If-Match": answer.headers["etag"]}
            )
            assert answer.status_code == 200, answer.text
            community = answer.json()
        return community

    async def member(
        self, community: dict[str, Any], *, roles: list[str] | None = None
    ) -> tuple[dict[str, Any], httpx.AsyncClient]:
        _, client = await self.person()
        base = f"/v1/communities/{community['id']}/memberships"
        applied = await client.post(base)
        assert applied.status_code == 201, applied.text
        url = f"{base}/{applied.json()['id']}"
        answer = await self.owner.post(f"{url}/approve", headers={"If-Match": applied.headers["etag"]})
        assert answer.status_code == 200, answer.text
        if roles:
            answer = await self.owner.put(
                f"{url}/roles", json={"roles": roles}, headers={"If-Match": answer.headers["etag"]}
            )
            assert answer.status_code == 200, answer.text
        return answer.json(), client


async def found_town(kit: Kit) -> Town:
    organization = new_id()
    await kit.sql(
        "INSERT INTO organization (id, slug, name, version, created_at) VALUES ($1, $2, 'Town', 1, now())",
        organization,
        f"o-{organization.hex[-12:]}",
    )
    town = Town(kit, organization, new_id())
    town.owner_id = await town.account("Owner", role="owner")
    return town
