"""What members is told by its environment."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from chassis.runtime import Runtime
from chassis.settings import DEVELOPMENT_SECRET, ServiceSettings


class MembersSettings(ServiceSettings):
    """Settings of members."""

    database_url: SecretStr = Field(validation_alias="HEARTH_MEMBERS_DATABASE_URL")
    owner_database_url: SecretStr | None = Field(default=None, validation_alias="HEARTH_MEMBERS_OWNER_DATABASE_URL")
    worker_database_url: SecretStr = Field(validation_alias="HEARTH_MEMBERS_WORKER_DATABASE_URL")

    key_secret: SecretStr = Field(default=SecretStr(DEVELOPMENT_SECRET), validation_alias="HEARTH_MEMBERS_KEY_SECRET")
    """Encrypts the signing keys at rest, and derives refresh tokens and the keys of the login limits."""

    delegation_secret: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_SECRET), validation_alias="HEARTH_DELEGATION_SECRET"
    )
    """Shared with the gateway: who has it gets tokens of partners' clients (chassis.delegation)."""

    # Argon2id as OWASP's password storage cheat sheet has it for 19 MiB: two passes, one lane.
    argon2_time_cost: int = Field(default=2, ge=1, validation_alias="HEARTH_MEMBERS_ARGON2_TIME_COST")
    argon2_memory_kib: int = Field(default=19_456, ge=8, validation_alias="HEARTH_MEMBERS_ARGON2_MEMORY_KIB")
    hash_threads: int = Field(default=2, ge=1, le=64, validation_alias="HEARTH_MEMBERS_HASH_THREADS")
    """Passwords that are hashed at the same time; each takes the memory above."""
    hash_queue: int = Field(default=100, ge=1, validation_alias="HEARTH_MEMBERS_HASH_QUEUE")
    """Passwords that may wait for a thread before the next is answered 503."""

    entry_url: str = Field(
        default="http://127.0.0.1:3000/join/{token}", max_length=500, validation_alias="HEARTH_MEMBERS_ENTRY_URL"
    )
    """Where the brand's frontend takes newcomers, with `{token}`: what QR codes of entry links say. `{community_id}` may stand there too."""

    @field_validator("entry_url")
    @classmethod
    def _check_entry_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "{token}" not in value:
            raise ValueError("an http or https address that contains {token}")
        return value


def settings_of(runtime: Runtime) -> MembersSettings:
    """Return the settings of a running members. Raises TypeError for another service's runtime."""
    if not isinstance(runtime.settings, MembersSettings):
        raise TypeError(f"this is the runtime of {runtime.service}")
    return runtime.settings
