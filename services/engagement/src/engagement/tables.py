"""The base of engagement's tables, with a registry of their own."""

from __future__ import annotations

from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Table(SQLModel, registry=registry()):
    """A table of engagement."""
