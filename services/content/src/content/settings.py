"""What content is told by its environment."""

from __future__ import annotations

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings


class ContentSettings(ServiceSettings):
    """Settings of content."""

    database_url: SecretStr = Field(validation_alias="HEARTH_CONTENT_DATABASE_URL")
    owner_database_url: SecretStr | None = Field(default=None, validation_alias="HEARTH_CONTENT_OWNER_DATABASE_URL")
    worker_database_url: SecretStr = Field(validation_alias="HEARTH_CONTENT_WORKER_DATABASE_URL")
