"""A community with a moderator who puts up detectors."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.content.conftest import Place, if_match

from contracts.base import Envelope, Event
from contracts.members import CommunityRole

CLAUSE = {"clause_code": "3.2", "clause_text": {"zh": "不得留下联系方式", "en": "Leave no contact details"}}


@dataclass
class Court:
    """A community, its moderator, and what tests ask of both."""

    place: Place
    moderator_id: UUID
    moderator: httpx.AsyncClient

    @property
    def path(self) -> str:
        return self.place.path

    def again(self, account: UUID) -> httpx.AsyncClient:
        """Sign somebody in anew, whose token has expired since the clock moved."""
        return self.place.kit.person(self.place.organization, account)

    async def detector(self, action: str, **settings: Any) -> dict[str, Any]:
        return await self.put_up({"name": settings["kind"], "action": action, "settings": settings, **CLAUSE})

    async def put_up(self, detector: dict[str, Any]) -> dict[str, Any]:
        answer = await self.moderator.post(f"{self.path}/detectors", json=detector)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def say(self, client: httpx.AsyncClient, body: str, **fields: Any) -> httpx.Response:
        return await client.post(f"{self.path}/posts", json={"body": body, **fields})

    async def holds(self) -> list[dict[str, Any]]:
        answer = await self.moderator.get(f"{self.path}/holds")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    async def detections(self, **filters: Any) -> list[dict[str, Any]]:
        answer = await self.moderator.get(f"{self.path}/detections", params=filters)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    async def decide(self, hold: dict[str, Any], step: str, version: int | None = None) -> httpx.Response:
        return await self.moderator.post(
            f"{self.path}/holds/{hold['id']}/{step}",
            json={"note": "Seen."},
            headers=if_match(version or hold["version"]),
        )

    async def events(self, kind: type[Event]) -> list[Envelope]:
        return [one for one in await self.place.kit.events(kind) if one.community == self.place.community]


@pytest.fixture
async def court(place: Place) -> Court:
    account, client = await place.member(CommunityRole.MODERATOR)
    return Court(place, account, client)


async def put_policy(court: Court, version: int = 0, **fields: Any) -> httpx.Response:
    staff = court.place.kit.staff(court.place.organization)
    body = {"profile": "none", "checker": "none", **fields}
    return await staff.put(f"{court.path}/moderation-policy", json=body, headers=if_match(version))
