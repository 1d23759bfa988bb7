"""The real members service on a database of its own for each module, with an Argon2id that costs next to nothing."""

from collections.abc import AsyncIterator

import pytest

from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, running_kit
from members.app import service

CHEAP = {"argon2_time_cost": 1, "argon2_memory_kib": 8}


@pytest.fixture(scope="module")
async def kit(cluster: Cluster) -> AsyncIterator[Kit]:
    async with running_kit(service, cluster, **CHEAP) as running:
        yield running
