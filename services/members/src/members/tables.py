"""The base of members' tables, with a registry of its own so that services can share a test process, and its column types."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

INSTALLATION_TABLES = ("signing_key", "login_limit")
"""The tables that belong to no tenant and so have no row-level security: they hold no personal data."""


class Table(SQLModel, registry=registry()):
    """Base of every table of members."""


class Instant(TypeDecorator[datetime]):
    """timestamptz."""

    impl = DateTime(timezone=True)
    cache_ok = True


class Texts(TypeDecorator[list[str]]):
    """text[]."""

    impl: Any = ARRAY(Text)
    cache_ok = True
