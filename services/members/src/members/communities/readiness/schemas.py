"""What HTTP returns of readiness."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from chassis.schemas import Output


class MissingOut(Output):
    """One thing that is missing, and the route that mends it."""

    code: str = Field(examples=["charter-audience"])
    detail: str = Field(examples=["The charter does not say whom the community is for."])
    method: str = Field(examples=["PATCH"])
    path: str = Field(examples=["/v1/communities/0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10/charter"])


class ReadinessOut(Output):
    """Whether a community may open."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ready": True, "missing": []}]})

    ready: bool
    missing: list[MissingOut]
