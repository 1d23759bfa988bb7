"""Engagement's composition root."""

from __future__ import annotations

from pathlib import Path

from chassis import standing
from chassis.app import Service
from engagement.exports import routes as exports
from engagement.presence import routes as presence
from engagement.pulse import consumers as pulse_consumers
from engagement.pulse import routes as pulse
from engagement.settings import EngagementSettings
from engagement.value.orders import consumers as orders_consumers
from engagement.value.orders import routes as orders

service = Service(
    name="engagement",
    title="Engagement",
    settings=EngagementSettings,
    migrations=Path(__file__).parents[2] / "migrations",
    standing_query=standing.QUERY,
    routers=[pulse.routes, presence.routes, orders.routes, exports.of_pulse, exports.of_orders],
    consumers=[standing.consumers, pulse_consumers.consumers, orders_consumers.consumers],
    tags={
        "pulse": "How a community lives: who is active, new, returning, and who falls silent.",
        "orders": "What members bought, as partners' systems told it.",
    },
)
