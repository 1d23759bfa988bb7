"""What HTTP accepts of organization roles."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from chassis.schemas import Input
from members.accounts.policy import OrganizationRole


class OrganizationRoleUpdate(Input):
    """A role in the organization, or none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "admin"}]})

    role: OrganizationRole | None = Field(description="owner, admin, or null to take the role away")
