"""Events of partners' contacts: whose account what a partner calls a contact is."""

from __future__ import annotations

import unicodedata
from hashlib import sha256
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event
from contracts.persons import PersonId


def contact_id_of(client_id: UUID, external_id: str) -> UUID:
    """Return by which id events speak of a partner's contact: the partner's own id may be a telephone number, and is in no event."""
    named = f"{client_id}:{unicodedata.normalize('NFC', external_id)}"
    return UUID(bytes=sha256(named.encode()).digest()[:16])


class ContactLinked(Event):
    """A partner's contact stands for an account, or for nobody any more. Each contact is one aggregate; its newest version counts."""

    type: ClassVar[str] = "members.contact.linked.v1"
    aggregate: ClassVar[str] = "contact"
    partners: ClassVar[bool] = False  # its partner knows it from the answers, and no other is to

    contact_id: UUID = Field(description="made of the API client's id and the partner's id of the contact")
    client_id: UUID = Field(description="the partner's API client")
    account_id: PersonId | None = Field(description="none when the contact stands for nobody any more")


CONTACT_EVENTS: tuple[type[Event], ...] = (ContactLinked,)
