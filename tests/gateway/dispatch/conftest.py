"""A receiver of webhooks and a tenant whose endpoints are at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.gateway.dispatch.receiving import Receiver, Town

from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, running_kit
from gateway.service import service


@pytest.fixture(scope="module")
async def kit(cluster: Cluster) -> AsyncIterator[Kit]:
    """The gateway's service, which may deliver to this machine."""
    async with running_kit(service, cluster, allowed_networks="127.0.0.0/8") as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver.serving() as serving:
        yield serving


@pytest.fixture
async def town(kit: Kit, receiver: Receiver) -> Town:
    return Town(kit, receiver)
