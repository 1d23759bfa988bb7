"""A tenant with endpoints for each test."""

import pytest
from tests.gateway.deliveries.tenant import Tenant

from chassis.testing.kit import Kit


@pytest.fixture
async def tenant(kit: Kit) -> Tenant:
    return await Tenant.founded(kit)
