"""What the gateway is told by its environment for partners: its database, its secrets, how it delivers."""

from __future__ import annotations

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from chassis.runtime import Runtime
from chassis.settings import DEVELOPMENT_SECRET, ServiceSettings

DATABASE_VARIABLE = "HEARTH_GATEWAY_DATABASE_URL"


class PartnerSettings(ServiceSettings):
    """Settings of the gateway's part for partners; times in seconds."""

    database_url: SecretStr = Field(validation_alias=DATABASE_VARIABLE)
    owner_database_url: SecretStr | None = Field(default=None, validation_alias="HEARTH_GATEWAY_OWNER_DATABASE_URL")
    worker_database_url: SecretStr = Field(validation_alias="HEARTH_GATEWAY_WORKER_DATABASE_URL")

    vault_secret: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_SECRET),
        validation_alias="HEARTH_GATEWAY_VAULT_SECRET",
        description="seals endpoints' keys and headers and what partners sent; the same in every replica",
    )
    delegation_secret: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_SECRET),
        validation_alias="HEARTH_DELEGATION_SECRET",
        description="shared with members: what it signs gets tokens of partners' clients",
    )
    members_url: str = Field(default="http://127.0.0.1:8081", validation_alias="HEARTH_MEMBERS_URL")
    allowed_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        validation_alias="HEARTH_GATEWAY_ALLOWED_NETWORKS",
        description="private networks (CIDR), separated by commas, that endpoints may be in all the same, by http too",
    )
    delivery_connections: int = Field(
        default=1000,
        ge=10,
        validation_alias="HEARTH_GATEWAY_DELIVERY_CONNECTIONS",
        description="deliveries that one process has under way at once",
    )
    delivery_seconds: float = Field(
        default=15,
        gt=0,
        validation_alias="HEARTH_GATEWAY_DELIVERY_SECONDS",
        description="how long an endpoint may take to answer, from the first byte sent to the last byte read",
    )

    @field_validator("allowed_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @cached_property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks that are allowed although they are private."""
        return tuple(ip_network(network) for network in self.allowed_networks)


def settings_of(runtime: Runtime) -> PartnerSettings:
    """Return the settings of the gateway's part for partners. Raises TypeError for a service's runtime."""
    if not isinstance(runtime.settings, PartnerSettings):
        raise TypeError(f"this is the runtime of {runtime.service}")
    return runtime.settings
