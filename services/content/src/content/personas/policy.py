"""As whom somebody may speak: decisions over plain values."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from content.refusal import Refusal


def speaking_refusal(community_id: UUID, named: Collection[UUID], *, editor: bool, retired: bool) -> Refusal | None:
    """Return why nobody or not this person speaks as a persona here: editors do, where the persona is named to speak."""
    if not editor:
        return Refusal("editors-only", "Only editors and managers speak as a persona of the brand.")
    if retired:
        return Refusal("persona-retired", "The persona is retired.")
    if named and community_id not in named:
        return Refusal("persona-elsewhere", "The persona does not speak in this community.")
    return None
