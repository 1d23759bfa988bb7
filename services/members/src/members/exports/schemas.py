"""What HTTP returns of exports."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from chassis.schemas import Output

ID = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
NOW = "2026-11-20T09:00:00Z"


class ExportOut(Output):
    """Who took which list out, and when."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": ID,
                    "list_name": "memberships",
                    "filters": {"state": "approved"},
                    "rows": 1200,
                    "sent": 1200,
                    "made_by": ID,
                    "made_at": NOW,
                    "finished_at": NOW,
                }
            ]
        }
    )

    id: UUID
    list_name: str
    filters: dict[str, Any]
    rows: int = Field(description="how many the list had when the file was begun")
    sent: int | None = Field(description="how many were written; null while under way, and for ever when it broke off")
    made_by: UUID
    made_at: datetime
    finished_at: datetime | None
