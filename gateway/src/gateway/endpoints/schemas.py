"""What HTTP accepts and returns of endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from chassis.schemas import Input, Output
from contracts.partners import EndpointDisabling
from gateway.endpoints.models import Ordering, Scheme

CLIENT = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a55"
COMMUNITY = "0198b7a2-6c1e-7d3a-9f4b-2f6f6c1d7a10"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
WHPK = "whpk_1Vt1KzPq3H0Y2J8cQ5e9t1xW5m3b7n9r2s4u6v8w0yA="
MOST_FILTERS = 100
MOST_COMMUNITIES = 500


def _distinct(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


SecretText = Annotated[str, Field(max_length=200, examples=[WHSEC])]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="https, on the open internet; no credentials in it, and no redirect is followed",
        examples=["https://crm.example.com/hooks/hearth"],
    ),
]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=500),
    Field(description="for people", examples=["Orders of the shop"]),
]
EventTypes = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=200)]],
    Field(
        max_length=MOST_FILTERS,
        description="which events: a type, or leading segments of it followed by `.*`; none means every one",
        examples=[["content.post.published.v1", "members.membership.*"]],
    ),
    AfterValidator(_distinct),
]
CommunityIds = Annotated[
    list[UUID],
    Field(
        max_length=MOST_COMMUNITIES,
        description="of which communities; none means of every one, and what belongs to no community",
        examples=[[COMMUNITY]],
    ),
    AfterValidator(_distinct),
]
Order = Annotated[
    Ordering,
    Field(description="parallel: nothing waits for anything; fifo: each waits until the one before it has arrived"),
]
Headers = Annotated[
    dict[str, str],
    Field(
        description="sent along each time, such as a credential of yours; what they say is shown nowhere again",
        examples=[{"Authorization": "Bearer 6f1c"}],
    ),
]


class EndpointCreate(Input):
    """Where a partner wants to be told, and of what."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "https://crm.example.com/hooks/hearth",
                    "client_id": CLIENT,
                    "description": "Orders of the shop",
                    "event_types": ["partners.order.*", "members.membership.*"],
                }
            ]
        }
    )

    url: Url
    client_id: UUID | None = Field(
        default=None,
        description="the partner's API client (`id` of GET /v1/clients); a program leaves it out: it means itself",
        examples=[CLIENT],
    )
    description: Description = ""
    event_types: EventTypes = Field(default_factory=list)
    community_ids: CommunityIds = Field(default_factory=list)
    ordering: Order = "parallel"
    headers: Headers = Field(default_factory=dict)
    secret: SecretText | None = Field(
        default=None, description="your own key of v1 (whsec_…); left out, one is made and shown"
    )
    v1a: bool = Field(default=False, description="sign with ed25519 too, which is verified by a public key")


class EndpointUpdate(Input):
    """What to change of an endpoint; what is left out or null stays. Headers are replaced as a whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"event_types": ["content.*"], "ordering": "fifo"}]})

    url: Url | None = None
    description: Description | None = None
    event_types: EventTypes | None = None
    community_ids: CommunityIds | None = None
    ordering: Order | None = None
    headers: Headers | None = None


class EndpointOut(Output):
    """An endpoint. Its keys are at /secrets; what its headers say is shown nowhere."""

    id: UUID
    client_id: UUID
    url: str = Field(description="in its one spelling", examples=["https://crm.example.com/hooks/hearth"])
    description: str = Field(examples=["Orders of the shop"])
    event_types: list[str] = Field(examples=[["content.post.published.v1"]])
    community_ids: list[UUID]
    ordering: Ordering
    header_names: list[str] = Field(examples=[["Authorization"]])
    schemes: list[Scheme] = Field(description="by which signatures it is told now", examples=[["v1"]])
    enabled: bool = Field(description="while it is not, what it would get waits, for 14 days", examples=[True])
    disabled_reason: EndpointDisabling | None
    disabled_at: datetime | None
    failing_since: datetime | None = Field(
        description="since when it has done nothing but fail; after five days it is disabled"
    )
    created_at: datetime
    created_by: UUID
    updated_at: datetime
    version: int = Field(examples=[1])
    can: list[str] = Field(
        description="what the caller may do: edit, delete, enable, disable, ping, read_secrets, rotate_secret",
        examples=[["edit", "delete", "disable", "ping", "read_secrets", "rotate_secret"]],
    )


class SecretOut(Output):
    """A key that signs what an endpoint gets."""

    id: UUID
    scheme: Scheme
    secret: str | None = Field(description="what v1 is verified by; none for v1a", examples=[WHSEC])
    public_key: str | None = Field(description="what v1a is verified by; none for v1", examples=[WHPK])
    created_at: datetime
    expires_at: datetime | None = Field(description="until when it signs; none for the present one")


class EndpointCreatedOut(EndpointOut):
    """A new endpoint, with its keys."""

    secrets: list[SecretOut]
