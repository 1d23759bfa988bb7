"""Content on a database of its own for each module, with a community and its people."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from chassis.ids import new_id
from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, running_kit
from content.app import service
from contracts.members import CommunityRole, CommunityState


@pytest.fixture(scope="module")
async def kit(cluster: Cluster) -> AsyncIterator[Kit]:
    async with running_kit(service, cluster) as running:
        yield running


@dataclass
class Place:
    """A community and what tests do in it."""

    kit: Kit
    organization: UUID
    community: UUID

    @property
    def path(self) -> str:
        return f"/v1/communities/{self.community}"

    async def member(self, *roles: CommunityRole, **options: Any) -> tuple[UUID, httpx.AsyncClient]:
        account = await self.kit.member(self.organization, self.community, roles=roles, **options)
        return account, self.kit.person(self.organization, account)

    async def post(self, client: httpx.AsyncClient, body: str = "早上好!", **fields: Any) -> dict[str, Any]:
        answer = await client.post(f"{self.path}/posts", json={"body": body, **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def comment(self, client: httpx.AsyncClient, post: str, body: str = "同意", **fields: Any) -> dict[str, Any]:
        answer = await client.post(f"{self.path}/posts/{post}/comments", json={"body": body, **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


async def make_place(kit: Kit, state: CommunityState = CommunityState.OPEN) -> Place:
    organization = new_id()
    return Place(kit, organization, await kit.community(organization, state=state))


@pytest.fixture
async def place(kit: Kit) -> Place:
    return await make_place(kit)


def code(answer: httpx.Response) -> str:
    """Return the code of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).rpartition(":")[2]


def if_match(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}
