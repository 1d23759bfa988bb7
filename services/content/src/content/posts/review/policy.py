"""Who may bring a piece out, and who is a second person: decisions over plain values."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from content.posts.policy import PostState
from content.refusal import Refusal

PUBLISHABLE = frozenset({PostState.DRAFT, PostState.EXPIRED})
WITHDRAWABLE = frozenset({PostState.IN_REVIEW, PostState.PUBLISHED})


def review_refusal(reviewer: UUID, writers: Collection[UUID], *, editor: bool) -> Refusal | None:
    """Return why somebody is no second person for a piece: they are no editor, or wrote or submitted what they would judge."""
    if not editor:
        return Refusal("editors-only", "Only editors and managers review.")
    if reviewer in writers:
        return Refusal("second-person-needed", "Who wrote or submitted it does not review it.")
    return None


def step_refusal(step: str, state: PostState, allowed: Collection[PostState]) -> Refusal | None:
    """Return why a step does not start from a state."""
    if state in allowed:
        return None
    return Refusal("state-unfit", f"What is {state} cannot be {step}.")
