"""The base of members' tables, with a registry of its own so that services can share a test process."""

from __future__ import annotations

from sqlalchemy.orm import registry
from sqlmodel import SQLModel

INSTALLATION_TABLES = ("signing_key", "login_limit")
"""The tables that belong to no tenant and so have no row-level security: they hold no personal data."""


class Table(SQLModel, registry=registry()):
    """Base of every table of members."""
