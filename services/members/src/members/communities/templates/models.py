"""The tables of community templates, their versions, and what they set where."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from members.tables import Instant, Table


class CommunityTemplate(Table, table=True):
    """What communities, or groups, of an organization are made from, as its newest version says."""

    __tablename__ = "community_template"

    id: UUID = Field(primary_key=True)
    organization_id: UUID
    kind: str
    title: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    content: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(sa_type=Instant)
    version: int


class CommunityTemplateRevision(Table, table=True):
    """What a template said in one version."""

    __tablename__ = "community_template_revision"

    template_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    organization_id: UUID
    title: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    content: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    changed_by: UUID | None = None
    changed_at: datetime = Field(sa_type=Instant)


class TemplateApplication(Table, table=True):
    """What the template last set in a community, field by field."""

    __tablename__ = "template_application"

    community_id: UUID = Field(primary_key=True)
    organization_id: UUID
    fields: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    applied_at: datetime = Field(sa_type=Instant)
