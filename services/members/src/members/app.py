"""The composition root of members."""

from __future__ import annotations

from pathlib import Path

from chassis.app import Service
from members.settings import MembersSettings

STANDING_QUERY = "SELECT NULL::json WHERE $2::uuid IS NULL AND $3::uuid IS NULL"
"""What an account ($3) is in a community ($2). communities and memberships bring the real one."""

service = Service(
    name="members",
    title="Hearth members",
    settings=MembersSettings,
    migrations=Path(__file__).parents[2] / "migrations",
    standing_query=STANDING_QUERY,
    routers=[
        # communities and memberships join here.
    ],
    consumers=[],
    jobs=[
        # communities and memberships join here.
    ],
    tags={},
)
