"""Pytest fixtures of the kit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chassis import clock
from chassis.clock import MovableClock
from chassis.testing.cluster import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """PostgreSQL and NATS for the whole run."""
    servers = Cluster()
    try:
        servers.start()
        yield servers
    finally:
        servers.remove()


@pytest.fixture
def movable_clock() -> Iterator[MovableClock]:
    """A clock that stands still at 2026-03-02 09:00 UTC, a Monday, until the test moves it."""
    movable = MovableClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    with clock.use(movable):
        yield movable
