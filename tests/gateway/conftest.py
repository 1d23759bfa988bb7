"""The gateway's own service on a database of its own for each module."""

from collections.abc import AsyncIterator

import pytest

from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, running_kit
from gateway.service import service


@pytest.fixture(scope="module")
async def kit(cluster: Cluster) -> AsyncIterator[Kit]:
    async with running_kit(service, cluster) as running:
        yield running
