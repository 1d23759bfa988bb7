"""A community that screens, for the tests of screening."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any
from uuid import UUID

import httpx
from tests.members.town import Town

FORM: dict[str, Any] = {
    "title": {"zh": "入群申请", "en": "Application"},
    "questions": [
        {
            "key": "level",
            "kind": "single",
            "label": {"en": "How is your English?"},
            "options": [
                {"key": "beginner", "label": {"en": "Beginner"}, "points": 3},
                {"key": "fluent", "label": {"en": "Fluent"}, "points": 1},
                {
                    "key": "native",
                    "label": {"en": "Native"},
                    "knock_out": {"zh": "本群面向学习者。", "en": "This group is for learners."},
                },
            ],
        },
        {
            "key": "hours",
            "kind": "scale",
            "label": {"en": "Hours a week?"},
            "lowest": 0,
            "highest": 10,
            "points_per_step": 1,
        },
        {
            "key": "interests",
            "kind": "multiple",
            "label": {"en": "Interests?"},
            "required": False,
            "most": 2,
            "options": [{"key": key, "label": {"en": key}, "points": 1} for key in ("films", "books", "news")],
        },
        {"key": "why", "kind": "text", "label": {"en": "Why?"}, "required": False, "max_length": 20},
        {
            "key": "age",
            "kind": "age_band",
            "label": {"en": "How old are you?"},
            "bands": [{"key": "child", "from_age": 0, "to_age": 13}, {"key": "older", "from_age": 14, "to_age": None}],
        },
        {"key": "rules", "kind": "consent", "label": {"en": "I agree to the rules"}},
    ],
}
ANSWERS: dict[str, Any] = {"level": "beginner", "hours": 4, "age": {"band": "older"}, "rules": True}
AUTOMATIC: dict[str, Any] = {
    "mode": "automatic",
    "approve_at": 5,
    "reject_below": 2,
    "tag_rules": [{"when": {"all": [{"question": "level", "any_of": ["beginner"]}]}, "tags": ["beginner"]}],
}


def url(community: dict[str, Any], path: str) -> str:
    return f"/v1/communities/{community['id']}{path}"


async def together(requests: Iterable[Coroutine[Any, Any, httpx.Response]]) -> list[httpx.Response]:
    """Send all at once, as many at a time as the service has connections: more would only wait for one, and some too long."""
    lanes = asyncio.Semaphore(20)

    async def send(request: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
        async with lanes:
            return await request

    return await asyncio.gather(*map(send, requests))


def match(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


async def screening(
    town: Town, *, policy: dict[str, Any] | None = None, form: dict[str, Any] | None = FORM
) -> dict[str, Any]:
    """Return an open community with this form and policy."""
    community = await town.community()
    if form is not None:
        answer = await town.owner.put(url(community, "/form"), json=form, headers=match(0))
        assert answer.status_code == 200, answer.text
    if policy is not None:
        answer = await town.owner.put(url(community, "/screening-policy"), json=policy, headers=match(1))
        assert answer.status_code == 200, answer.text
    return community


async def persona(town: Town, community: dict[str, Any], quota: int | None, **more: Any) -> dict[str, Any]:
    body = {"name": {"en": "Learners"}, "rule": {"all": [], "any": []}, "quota": quota, **more}
    answer = await town.owner.post(url(community, "/personas"), json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def apply(client: httpx.AsyncClient, community: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = await client.post(url(community, "/applications"), json={"answers": ANSWERS, **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def applicant(
    town: Town, community: dict[str, Any], **body: Any
) -> tuple[dict[str, Any], httpx.AsyncClient, UUID]:
    account, client = await town.person()
    return await apply(client, community, **body), client, account


async def decide(
    client: httpx.AsyncClient, community: dict[str, Any], application: dict[str, Any], decision: str, **body: Any
) -> httpx.Response:
    return await client.post(
        url(community, f"/applications/{application['id']}/decision"),
        json={"decision": decision, **body},
        headers=match(application["version"]),
    )


async def step(
    client: httpx.AsyncClient, community: dict[str, Any], application: dict[str, Any], name: str, **body: Any
) -> httpx.Response:
    return await client.post(
        url(community, f"/applications/{application['id']}/{name}"),
        json=body or None,
        headers=match(application["version"]),
    )


async def read(client: httpx.AsyncClient, community: dict[str, Any], application: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(url(community, f"/applications/{application['id']}"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def membership(client: httpx.AsyncClient, community: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(url(community, "/memberships/me"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
