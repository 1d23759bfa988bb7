"""What a process is told by its environment; every name starts with HEARTH_."""

from __future__ import annotations

from enum import StrEnum
from typing import Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_SECRET = "development"  # noqa: S105  named so that production can refuse it
SHORTEST_PRODUCTION_SECRET = 32


class Environment(StrEnum):
    """Where the process runs; production refuses what is fine elsewhere."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Settings that every process has. Raises pydantic.ValidationError, naming the variable, when one is missing or unsafe."""

    model_config = SettingsConfigDict(
        env_prefix="HEARTH_", extra="ignore", frozen=True, validate_by_name=True, hide_input_in_errors=True
    )

    env: Environment = Environment.DEVELOPMENT
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    internal_port: int = Field(default=9090, ge=0, le=65535)
    log_level: str = "INFO"
    ops_token: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    cursor_secret: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    nats_url: SecretStr = SecretStr("nats://127.0.0.1:4222")
    jwks_url: str = "http://127.0.0.1:8080/.well-known/jwks.json"
    otlp_endpoint: str | None = Field(
        default=None, description="OTLP/HTTP traces endpoint; none keeps traces in the log only"
    )
    trace_ratio: float = Field(default=1.0, ge=0, le=1, description="share of new traces that are exported")
    shutdown_grace_seconds: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _refuse_development_secrets(self) -> Self:
        if self.env is Environment.PRODUCTION:
            for name, field in type(self).model_fields.items():
                value = getattr(self, name)
                if (
                    isinstance(value, SecretStr)
                    and name.endswith(("_secret", "_token"))
                    and field.default is not None
                    and len(value.get_secret_value()) < SHORTEST_PRODUCTION_SECRET
                ):
                    variable = field.validation_alias or f"HEARTH_{name.upper()}"
                    raise ValueError(
                        f"{variable} must be a generated secret of {SHORTEST_PRODUCTION_SECRET} characters or more in production"
                    )
        return self


AnySettings = TypeVar("AnySettings", bound="Settings")


def load(kind: type[AnySettings]) -> AnySettings:
    """Read settings from the environment. Raises SystemExit that names what is wrong, and never a value: some are secrets."""
    try:
        return kind()
    except ValidationError as error:
        lines = []
        for one in error.errors(include_input=False, include_url=False, include_context=False):
            name = "_".join(str(step) for step in one["loc"])
            variable = name if not name or name.startswith("HEARTH_") else f"HEARTH_{name.upper()}"
            lines.append(f"{variable}: {one['msg']}" if variable else one["msg"])
        raise SystemExit("refused to start: " + "; ".join(lines)) from None


class ServiceSettings(Settings):
    """Settings of a service with a database; `<service>` stands for its name in HEARTH_<SERVICE>_DATABASE_URL."""

    database_url: SecretStr
    owner_database_url: SecretStr | None = None
    worker_database_url: SecretStr
    database_connections: int = Field(default=10, ge=2, description="largest number of connections of each pool")
    relay_batch: int = Field(default=500, ge=1, le=5000)
    consumer_batch: int = Field(default=250, ge=1, le=1000)
    handler_attempts: int = Field(
        default=5, ge=1, description="failures of a handler on a healthy database before the dead letters"
    )
