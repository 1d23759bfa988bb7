"""A desk at 2026-03-02 09:00 UTC, a Monday: 17:00 in Shanghai."""

import pytest
from tests.content.desk import Desk, make_desk

from chassis.clock import MovableClock
from chassis.testing.kit import Kit


@pytest.fixture
async def desk(kit: Kit, movable_clock: MovableClock) -> Desk:
    assert movable_clock.instant.isoformat() == "2026-03-02T09:00:00+00:00"
    return await make_desk(kit)
