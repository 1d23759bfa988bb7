"""The table of what partners' tags are current."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field

from members.tables import Table


class ContactTagging(Table, table=True):
    """The newest version of a partner's word on a contact's tags in one community, with a digest of it; the tags are the membership's."""

    __tablename__ = "contact_tagging"

    client_id: UUID = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    community_id: UUID = Field(primary_key=True)
    organization_id: UUID
    version: int = Field(sa_type=BigInteger)
    digest: bytes
