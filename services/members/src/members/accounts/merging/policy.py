"""What stands against a merge, and what a preview promises."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import orjson

Fate = Literal["moved", "dropped", "none"]


@dataclass(frozen=True, slots=True)
class Party:
    """One of the two accounts."""

    id: UUID
    version: int
    bot: bool
    organization_role: str | None
    credentialed: bool
    merged: bool
    identities: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why the two cannot be merged as they are."""

    code: str
    detail: str


def conflicts(stays: Party, goes: Party) -> list[Conflict]:
    """Return what stands against it; nothing when the merge may be done."""
    if stays.id == goes.id:
        return [Conflict("same-account", "An account cannot be merged with itself.")]
    found = []
    if stays.merged or goes.merged:
        found.append(Conflict("already-merged", "One of the accounts was merged away before."))
    if stays.bot != goes.bot:
        found.append(Conflict("bot-and-person", "A bot and a person are not the same."))
    if goes.organization_role is not None:
        found.append(Conflict("has-organization-role", "Take the role of the account that goes away first."))
    return found


def credential_fate(stays: Party, goes: Party) -> Fate:
    """Return what becomes of the password of the account that goes: `moved`, `dropped` for the other's, or `none`."""
    if not goes.credentialed:
        return "none"
    return "dropped" if stays.credentialed else "moved"


def preview_of(stays: Party, goes: Party, also: Iterable[str]) -> str:
    """Return the mark of a preview: the same as long as both accounts and what moves are as they were shown."""
    shown = [
        *(
            [str(party.id), party.version, party.credentialed, party.merged, list(party.identities)]
            for party in (stays, goes)
        ),
        sorted(also),
    ]
    return hashlib.sha256(orjson.dumps(shown)).hexdigest()
