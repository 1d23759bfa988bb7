"""What the gateway is told by its environment."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from chassis.settings import Settings

KIB = 1024
MIB = 1024 * KIB
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]+/?")


class GatewaySettings(Settings):
    """Settings of the gateway; sizes in bytes, times in seconds, rates in requests per second."""

    members_url: str = "http://127.0.0.1:8081"
    content_url: str = "http://127.0.0.1:8082"
    engagement_url: str = "http://127.0.0.1:8083"

    public_url: str = Field(
        default="/", description="where the outside reaches the gateway, as the OpenAPI document says it"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="origins of frontend apps, separated by commas; * allows all"
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="networks (CIDR) of proxies in front whose X-Forwarded-For and -Proto are believed"
    )

    body_limit: int = Field(default=MIB, ge=KIB, description="largest request body")
    import_body_limit: int = Field(default=16 * MIB, ge=KIB, description="largest request body of an import")
    head_limit: int = Field(default=32 * KIB, ge=KIB, description="largest request head")
    target_limit: int = Field(default=8 * KIB, ge=256, description="longest path and query")

    connect_seconds: float = Field(default=3, gt=0, description="longest wait for a connection to a service")
    first_byte_seconds: float = Field(default=30, gt=0, description="longest wait for the first byte of an answer")
    compose_seconds: float = Field(
        default=3, gt=0, description="longest wait for each part of a page that the gateway composes"
    )
    idle_seconds: float = Field(default=60, gt=0, description="longest silence inside an answer or an upload")
    connections: int = Field(default=256, ge=1, description="largest number of connections to one service")
    connection_idle_seconds: float = Field(
        default=4, gt=0, description="how long an unused connection is kept; below the services' own"
    )

    authenticated_rate: float = Field(default=100, gt=0)
    authenticated_burst: int = Field(default=400, ge=1)
    anonymous_rate: float = Field(default=20, gt=0)
    anonymous_burst: int = Field(default=100, ge=1)
    credentials_rate: float = Field(
        default=5, gt=0, description="sign-up, login, refresh and client credentials, per address"
    )
    credentials_burst: int = Field(default=50, ge=1)
    callers_remembered: int = Field(default=100_000, ge=1, description="callers whose rate is followed at once")

    openapi_seconds: float = Field(default=30, gt=0, description="how old the merged OpenAPI document may be")

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin, such as https://app.example.org")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @field_validator("members_url", "content_url", "engagement_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("a service is reached by http:// or https://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _imports_are_larger(self) -> Self:
        if self.import_body_limit < self.body_limit:
            raise ValueError("HEARTH_IMPORT_BODY_LIMIT must not be below HEARTH_BODY_LIMIT")
        return self

    @property
    def services(self) -> dict[str, str]:
        """Return the base URL of each service by its name."""
        return {"members": self.members_url, "content": self.content_url, "engagement": self.engagement_url}
