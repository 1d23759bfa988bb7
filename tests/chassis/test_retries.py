"""Requests that PostgreSQL ends for the sake of others: done again, a bounded number of times, and with one effect."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from chassis.ids import new_id
from chassis.retries import MOST_KEPT, MOST_TRIES
from chassis.testing.kit import Kit
from contracts.content import PostPublished

# A sequence keeps its count though the transaction is undone: the trigger resolves a "deadlock" as often as it is told.
CONTENTION = (
    "CREATE SEQUENCE contention",
    "GRANT USAGE ON SEQUENCE contention TO PUBLIC",
    """
    CREATE FUNCTION contend() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.body LIKE 'contended %' AND nextval('contention') <= split_part(NEW.body, ' ', 2)::int THEN
            RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER contend BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION contend()",
)


class Writer:
    def __init__(self, kit: Kit, organization: UUID, community: UUID, member: httpx.AsyncClient) -> None:
        self.kit, self.organization, self._member = kit, organization, member
        self._notes = f"/v1/communities/{community}/notes"

    async def write(self, body: str, **headers: str) -> httpx.Response:
        return await self._member.post(self._notes, json={"body": body}, headers=headers)

    async def send(self, content: bytes) -> httpx.Response:
        return await self._member.post(self._notes, content=content, headers={"Content-Type": "application/json"})

    async def bodies(self) -> list[str]:
        rows = await self.kit.sql("SELECT body FROM note WHERE organization_id = $1 ORDER BY id", self.organization)
        return [row["body"] for row in rows]


@pytest.fixture
async def writer(kit: Kit) -> AsyncIterator[Writer]:
    organization = new_id()
    community = await kit.community(organization)
    for statement in CONTENTION:
        await kit.sql(statement)
    yield Writer(kit, organization, community, kit.person(organization, await kit.member(organization, community)))
    for statement in ("DROP TRIGGER contend ON note", "DROP FUNCTION contend", "DROP SEQUENCE contention"):
        await kit.sql(statement)


async def test_a_request_that_lost_is_done_again_with_one_effect(writer: Writer) -> None:
    answer = await writer.write(f"contended {MOST_TRIES - 1} times", **{"Idempotency-Key": "once"})
    assert answer.status_code == 201, answer.text
    assert await writer.bodies() == [answer.json()["body"]]
    told = [one for one in await writer.kit.events(PostPublished) if one.organization == writer.organization]
    assert [str(one.aggregateid) for one in told] == [answer.json()["id"]]


async def test_a_request_that_loses_each_time_is_asked_to_come_back(writer: Writer) -> None:
    answer = await writer.write(f"contended {MOST_TRIES} times")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["type"] == "urn:hearth:problem:contended"
    assert await writer.bodies() == []


async def test_a_request_whose_body_is_too_long_to_be_kept_is_asked_to_come_back(writer: Writer) -> None:
    blanks = b" " * MOST_KEPT
    answer = await writer.send(b'{"body": ' + blanks + b'"contended 1 times"}')
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:hearth:problem:contended")
    assert await writer.bodies() == []
    answer = await writer.send(b'{"body": ' + blanks + b'"contended 1 times"}')
    assert answer.status_code == 201
