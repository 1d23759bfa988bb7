"""Events of a person's rights over what is kept of them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from contracts.base import Event


class ErasureOrdered(Event):
    """A person is to be erased: every service destroys what it keeps of the account, and leaves tombstones. Each order is one aggregate."""

    type: ClassVar[str] = "members.erasure.ordered.v1"
    aggregate: ClassVar[str] = "erasure"

    erasure_id: UUID
    account_id: UUID


PRIVACY_EVENTS: tuple[type[Event], ...] = (ErasureOrdered,)
