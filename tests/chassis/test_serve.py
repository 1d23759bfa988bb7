"""A process says that it has started once it can be reached, and not before."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from chassis.embedded.ports import free_port
from chassis.health import Health, internal_app
from chassis.serve import serve
from chassis.settings import Settings


class Witness(Health):
    """Tries every port at the moment when the process calls itself started."""

    def __init__(self, ports: list[int]) -> None:
        super().__init__({})
        self._ports = ports
        self.reached: list[int] = []

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if (name, value) == ("started", True):
            for port in self._ports:
                # The system answers for whoever listens: no loop has to run for it.
                with socket.socket() as caller:
                    if caller.connect_ex(("127.0.0.1", port)) == 0:
                        self.reached.append(port)
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def ordinary_collection() -> Iterator[None]:
    """Collect garbage afterwards as before: a process that serves sets its own way once and for all."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("ordinary_collection")
async def test_a_process_has_started_when_all_its_ports_are_open() -> None:
    async def api(_scope: Any, _receive: Any, _send: Any) -> None: ...

    ports = [free_port(), free_port()]
    witness = Witness(ports)
    settings = Settings(host="127.0.0.1", port=ports[0], internal_port=ports[1])
    async with asyncio.timeout(30):
        await serve(api, internal_app(witness), settings, witness)
    assert witness.reached == ports
