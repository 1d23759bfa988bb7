"""What content is told by its environment."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from chassis.settings import DEVELOPMENT_SECRET, Environment, ServiceSettings


class ContentSettings(ServiceSettings):
    """Settings of content; sizes in bytes."""

    database_url: SecretStr = Field(validation_alias="HEARTH_CONTENT_DATABASE_URL")
    owner_database_url: SecretStr | None = Field(default=None, validation_alias="HEARTH_CONTENT_OWNER_DATABASE_URL")
    worker_database_url: SecretStr = Field(validation_alias="HEARTH_CONTENT_WORKER_DATABASE_URL")

    media_secret: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_SECRET),
        validation_alias="HEARTH_CONTENT_MEDIA_SECRET",
        description="signs the addresses of media; the same in every replica",
    )
    publication_secret: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_SECRET),
        validation_alias="HEARTH_CONTENT_PUBLICATION_SECRET",
        description="seals the publication log; with another value its entries cannot be opened any more",
    )
    media_directory: Path | None = Field(
        default=None,
        validation_alias="HEARTH_CONTENT_MEDIA_DIRECTORY",
        description="where media lie, unless in a bucket; the same for every replica",
    )
    media_bucket: str | None = Field(
        default=None,
        validation_alias="HEARTH_CONTENT_MEDIA_BUCKET",
        description="the bucket of an S3-compatible store in which media lie",
    )
    media_endpoint: str | None = Field(
        default=None, validation_alias="HEARTH_CONTENT_MEDIA_ENDPOINT", description="the store's URL; none: AWS's own"
    )
    media_region: str = Field(default="us-east-1", validation_alias="HEARTH_CONTENT_MEDIA_REGION")
    media_access_key_id: str = Field(default="", validation_alias="HEARTH_CONTENT_MEDIA_ACCESS_KEY_ID")
    media_access_secret: SecretStr | None = Field(default=None, validation_alias="HEARTH_CONTENT_MEDIA_ACCESS_SECRET")
    media_quota: int = Field(
        default=2 * 2**30, ge=0, validation_alias="HEARTH_CONTENT_MEDIA_QUOTA", description="of one account"
    )
    media_address_seconds: int = Field(
        default=3600,
        ge=60,
        le=7 * 24 * 3600,
        validation_alias="HEARTH_CONTENT_MEDIA_ADDRESS_SECONDS",
        description="how long a signed address is good, at the least",
    )

    @model_validator(mode="after")
    def _know_where_media_lie(self) -> Self:
        if self.media_bucket is not None and not (self.media_access_key_id and self.media_access_secret):
            raise ValueError(
                "HEARTH_CONTENT_MEDIA_BUCKET needs HEARTH_CONTENT_MEDIA_ACCESS_KEY_ID and HEARTH_CONTENT_MEDIA_ACCESS_SECRET"
            )
        if self.env is Environment.PRODUCTION and self.media_bucket is None and self.media_directory is None:
            raise ValueError(
                "HEARTH_CONTENT_MEDIA_DIRECTORY or HEARTH_CONTENT_MEDIA_BUCKET must say where media lie in production"
            )
        return self
