"""An editor's desk in a community: what tests of the calendar do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from tests.content.conftest import Place, if_match, make_place

from chassis.testing.kit import Kit
from contracts.members import CommunityRole, CommunityState

MORNING: dict[str, Any] = {
    "name": {"zh": "早安", "en": "Good morning"},
    "kind": "greeting",
    "rrule": "FREQ=DAILY",
    "at": "07:30",
}


@dataclass
class Desk:
    """An editor at work."""

    place: Place
    editor_id: UUID

    @property
    def editor(self) -> httpx.AsyncClient:
        """The editor with a token of this moment: tests move the clock."""
        return self.kit.person(self.place.organization, self.editor_id)

    @property
    def kit(self) -> Kit:
        return self.place.kit

    @property
    def path(self) -> str:
        return self.place.path

    async def _make(self, what: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
        answer = await self.editor.post(f"{self.path}/{what}", json=body)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def theme(self, share: int = 20, **fields: Any) -> dict[str, Any]:
        return await self._make("themes", {"name": {"en": "Words"}, "target_share": share, **fields})

    async def item(self, **fields: Any) -> dict[str, Any]:
        return await self._make("items", {"kind": "greeting", "body": "早上好!", "state": "ready", **fields})

    async def slot(self, **fields: Any) -> dict[str, Any]:
        return await self._make("slots", MORNING | fields)

    async def calendar(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.editor.get(f"{self.path}/calendar", params={"limit": 200, **query})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    async def fill(self, occurrence: dict[str, Any], **what: Any) -> httpx.Response:
        path = f"{self.path}/occurrences/{occurrence['id']}/filler"
        return await self.editor.put(path, json=what, headers=if_match(occurrence["version"]))

    async def occurrence(self, occurrence: dict[str, Any]) -> dict[str, Any]:
        answer = await self.editor.get(f"{self.path}/occurrences/{occurrence['id']}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def posts(self) -> list[dict[str, Any]]:
        """What was published, oldest first."""
        rows = await self.kit.sql(
            "SELECT id, delivery_id, body, kind, theme_id, group_id, published_at, promotion FROM post "
            "WHERE community_id = $1 ORDER BY published_at, id",
            self.place.community,
        )
        return [dict(row) for row in rows]


async def make_desk(kit: Kit, *, state: CommunityState = CommunityState.OPEN, zone: str = "Asia/Shanghai") -> Desk:
    place = await make_place(kit, state)
    if zone != "Asia/Shanghai":
        place = Place(kit, place.organization, await kit.community(place.organization, state=state, zone=zone))
    account, _ = await place.member(CommunityRole.EDITOR)
    return Desk(place, account)
