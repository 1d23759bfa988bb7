"""Pytest fixtures of the kit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from chassis import clock
from chassis.clock import MovableClock
from chassis.testing.cluster import Cluster


@pytest.fixture(scope="session", autouse=True)
def traces() -> None:
    """Every request and event has a trace of its own, as in a process that serves.

    OpenTelemetry takes one provider for the life of a process: set later, by a test, it would change what tests after that one see.
    """
    trace.set_tracer_provider(TracerProvider(sampler=ALWAYS_OFF))


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
