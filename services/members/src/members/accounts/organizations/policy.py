"""What a slug may be."""

from __future__ import annotations

from uuid import UUID


def as_id(reference: str) -> UUID | None:
    """Return the id that a reference is, None when it is a slug."""
    try:
        return UUID(reference)
    except ValueError:
        return None


def slug_allowed(slug: str) -> bool:
    """Tell whether an organization may take the slug: one that reads as an id would stand for another organization."""
    return as_id(slug) is None
