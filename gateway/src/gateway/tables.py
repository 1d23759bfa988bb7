"""The base of the gateway's tables, with a registry of their own."""

from __future__ import annotations

from sqlalchemy import DateTime
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import registry
from sqlalchemy.types import Text, Uuid
from sqlmodel import SQLModel

Instant = DateTime(timezone=True)
Texts = ARRAY(Text)
Uuids = ARRAY(Uuid)


class Table(SQLModel, registry=registry()):
    """A table of the gateway."""
