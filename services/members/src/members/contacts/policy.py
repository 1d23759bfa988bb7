"""How contacts are named, which news of them counts, and for which accounts they may stand."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID
from zlib import crc32

from pydantic import AfterValidator, Field

LONGEST_ID = 200
LATEST_VERSION = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact. A contact that is gone for good has this version."""


def clean_external_id(text: str) -> str:
    """Return an id of another system in one spelling (Unicode NFC). Raises ValueError unless it can stand in an address as it is."""
    text = unicodedata.normalize("NFC", text)
    if not 1 <= len(text) <= LONGEST_ID:
        raise ValueError(f"an external id has 1 to {LONGEST_ID} characters")
    if text != text.strip():
        raise ValueError("an external id neither begins nor ends with white space")
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text):
        raise ValueError("an external id holds no control characters")
    if "/" in text or "\\" in text or text in {".", ".."}:
        raise ValueError("an external id stands in addresses: it holds no slash and is not made of dots")
    return text


ExternalId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_ID,
        examples=["C-10017"],
        description="the partner's own id: 1 to 200 characters, no slash; in an address percent-encoded",
    ),
    AfterValidator(clean_external_id),
]
Version = Annotated[
    int,
    Field(
        ge=1,
        le=LATEST_VERSION,
        examples=[3],
        description="the partner's own count of changes, or its time of change as a number: older news changes nothing",
    ),
]


def subject_of(client_id: UUID, external_id: str) -> str:
    """Return the subject of a contact's identity: external ids are each partner's own."""
    return f"{client_id}:{external_id}"


class Outcome(StrEnum):
    """What became of news."""

    APPLIED = "applied"
    STALE = "stale"
    """Something newer was known; nothing was changed."""


class News(StrEnum):
    """How what is told stands to what is known."""

    NEWER = "newer"
    SAME = "same"
    OLDER = "older"


def compare(known: int, told: int, *, deleted: bool) -> News:
    """Return how news of a version stands to what is known. What was deleted is told of anew by a newer version only."""
    if told > known:
        return News.NEWER
    return News.SAME if told == known and not deleted else News.OLDER


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account for which a contact might stand."""

    account_id: UUID
    bot: bool
    role: bool
    """It has a role in the organization."""
    credentialed: bool
    """Somebody signs in to it."""


def whose(candidates: Sequence[Candidate], *, processor: bool) -> UUID | None:
    """Return the account that is meant by an address or number which nobody has proved, None when a new one has to be made.

    Only a partner that acts for the brand is believed, only of one account, and only of one that nobody signs in to: who claims
    somebody's address must come by nothing of theirs, and who signed up with an address that is another's by no order of theirs.
    """
    if not processor or len(candidates) != 1:
        return None
    only = candidates[0]
    return None if only.bot or only.role or only.credentialed else only.account_id


def refusal(named: Candidate | None, *, processor: bool, consented: bool) -> tuple[str, str] | None:
    """Return why a partner may not say that its contact is this account, None when it may: a stable code and words."""
    if named is None:
        return "unknown", "There is no such account."
    if named.bot or named.role:
        return "account-not-linkable", "Contacts stand for people who do not run the organization."
    if not processor and not consented:
        return "consent-missing", "The person has not agreed that this partner knows who they are."
    return None


def name_for(told: str | None, external_id: str) -> str:
    """Return what a new account is called: as the partner says, never by the external id, which may be a telephone number."""
    if told is not None:
        return told
    # Enough to tell two of them apart on a list, and nothing to find the person by.
    return f"Guest {crc32(external_id.encode()) % 10_000:04}"
