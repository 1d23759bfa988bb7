"""What members is told by its environment."""

from __future__ import annotations

from pydantic import Field, SecretStr

from chassis.settings import DEVELOPMENT_SECRET, ServiceSettings


class MembersSettings(ServiceSettings):
    """Settings of members."""

    database_url: SecretStr = Field(validation_alias="HEARTH_MEMBERS_DATABASE_URL")
    owner_database_url: SecretStr | None = Field(default=None, validation_alias="HEARTH_MEMBERS_OWNER_DATABASE_URL")
    worker_database_url: SecretStr = Field(validation_alias="HEARTH_MEMBERS_WORKER_DATABASE_URL")

    key_secret: SecretStr = Field(default=SecretStr(DEVELOPMENT_SECRET), validation_alias="HEARTH_MEMBERS_KEY_SECRET")
    """Encrypts the signing keys at rest."""
