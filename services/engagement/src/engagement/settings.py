"""What engagement is told by its environment."""

from __future__ import annotations

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings


class EngagementSettings(ServiceSettings):
    """Settings of engagement."""

    database_url: SecretStr = Field(validation_alias="HEARTH_ENGAGEMENT_DATABASE_URL")
    owner_database_url: SecretStr | None = Field(default=None, validation_alias="HEARTH_ENGAGEMENT_OWNER_DATABASE_URL")
    worker_database_url: SecretStr = Field(validation_alias="HEARTH_ENGAGEMENT_WORKER_DATABASE_URL")
