"""A town for each test."""

import pytest
from tests.gateway.endpoints.town import Town, found

from chassis.testing.kit import Kit


@pytest.fixture
async def town(kit: Kit) -> Town:
    return await found(kit)
