"""Events that partners cause through the gateway. None yet."""

from __future__ import annotations

from contracts.base import Event

EVENTS: tuple[type[Event], ...] = ()
