"""The real members service on a database of its own for each module, with an Argon2id that costs next to nothing."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, running_kit
from members.app import service

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("members", deadline=None)
settings.load_profile("members")

CHEAP = {"argon2_time_cost": 1, "argon2_memory_kib": 8}


@pytest.fixture(scope="module")
async def kit(cluster: Cluster) -> AsyncIterator[Kit]:
    async with running_kit(service, cluster, **CHEAP) as running:
        yield running
