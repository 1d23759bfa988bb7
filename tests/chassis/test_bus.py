"""A broker that is away when a process starts keeps it from nothing else, and is found when it comes."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import nats.errors
import pytest

from chassis import bus as bus_module
from chassis.bus import Bus, Outgoing
from chassis.embedded.nats import Nats
from chassis.ids import new_id

PATIENCE = 20.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Nats]:
    """A server that has an address, and is not running yet."""
    server = Nats(tmp_path / "nats", users={"sample": "x"}, sync_always=False, die_with_parent=True)
    server.start()
    server.stop()
    try:
        yield server
    finally:
        server.remove()


async def test_a_broker_that_comes_later_is_found(broker: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "FIRST_SECONDS", 0.1)
    bus = await Bus.connect(broker.url("sample"), "sample")
    try:
        assert not bus.connected
        message = Outgoing(str(new_id()), "evt.sample.thing.made", b"{}")
        # What is given to it now is refused, and not taken and forgotten.
        for call in (bus.ensure_stream(), bus.pull("sample", "x", 1), bus.flush(), anext(bus.tail("evt.sample.>"))):
            with pytest.raises(nats.errors.Error):
                await call
        assert await bus.publish([message]) == [False]
        broker.start()
        async with asyncio.timeout(PATIENCE):
            while not bus.connected:  # noqa: ASYNC110  the client tells nobody
                await asyncio.sleep(0.02)
            await bus.ensure_stream()
            assert await bus.publish([message]) == [True]
    finally:
        await bus.close()


async def test_a_bus_that_never_found_its_broker_closes(broker: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "FIRST_SECONDS", 0.1)
    bus = await Bus.connect(broker.url("sample"), "sample")
    began = time.monotonic()
    await bus.close()
    assert time.monotonic() - began < PATIENCE / 4
    assert asyncio.all_tasks() == {asyncio.current_task()}
