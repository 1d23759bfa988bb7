"""One real stack for all tests of the API, with two organizations in it."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tests.api.document import Json, Operation, operations
from tests.api.mint import Mint
from tests.api.stack import RealStack
from tests.api.town import Town, found_town


@pytest.fixture(scope="session")
def stack() -> Iterator[RealStack]:
    running = RealStack()
    try:
        running.begin()
        yield running
    finally:
        running.remove()


@pytest.fixture(scope="session")
def town(stack: RealStack) -> Town:
    return found_town(stack.base_url)


@pytest.fixture(scope="session")
def neighbours(stack: RealStack) -> Town:
    return found_town(stack.base_url)


@pytest.fixture(scope="session")
async def mint(stack: RealStack) -> Mint:
    return await Mint.of(stack)


@pytest.fixture(scope="session")
def document(stack: RealStack) -> Json:
    found: Json = httpx.get(f"{stack.base_url}/openapi.json", trust_env=False, verify=False).json()
    assert not {"x-hearth-stale", "x-hearth-missing"} & found["info"].keys()
    return found


@pytest.fixture(scope="session")
def every_operation(document: Json) -> list[Operation]:
    return operations(document)


async def _same_contents(stack: RealStack, organization_id: str | None = None) -> AsyncIterator[None]:
    stack.drain()
    before = await stack.contents(organization_id)
    yield
    stack.drain()
    after = await stack.contents(organization_id)
    assert {table: (before[table], after[table]) for table in before if before[table] != after[table]} == {}


@pytest.fixture
async def unchanged(stack: RealStack, town: Town, neighbours: Town) -> AsyncIterator[None]:
    """Fails when a test has changed, added or removed a row in any of the databases."""
    assert town.people.keys() == neighbours.people.keys()
    async for _ in _same_contents(stack):
        yield


@pytest.fixture(scope="module")
async def nothing_changes(stack: RealStack, town: Town, neighbours: Town) -> AsyncIterator[None]:
    """Fails when the tests of a module, all together, have."""
    assert town.people.keys() == neighbours.people.keys()
    async for _ in _same_contents(stack):
        yield


@pytest.fixture(scope="module")
async def nothing_of_ours_changes(stack: RealStack, town: Town) -> AsyncIterator[None]:
    """Fails when the tests of a module have changed the town; the neighbours may change."""
    async for _ in _same_contents(stack, town.organization_id):
        yield
