"""Events of engagement. None yet: pulse only listens."""

from __future__ import annotations

from contracts.base import Event

EVENTS: tuple[type[Event], ...] = ()
