"""One real stack for all tests of the API, with two organizations in it."""

from collections.abc import Iterator

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
        running.start()
        yield running
    finally:
        running.stop()


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
    found: Json = httpx.get(f"{stack.base_url}/openapi.json", trust_env=False).json()
    assert not {"x-hearth-stale", "x-hearth-missing"} & found["info"].keys()
    return found


@pytest.fixture(scope="session")
def every_operation(document: Json) -> list[Operation]:
    return operations(document)
