"""Detectors of this process, ready to look: a detector is made ready once per version, and word lists are costly to make."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from content.moderation.detectors.policy import Action, Detection, DetectorKind
from content.moderation.detectors.settings import STORED
from content.posts.policy import Clause

MOST_BYTES = 64 * 2**20
"""Of settings as they are stored; automata take some times as much."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A detector of one version."""

    id: UUID
    version: int
    kind: DetectorKind
    action: Action
    clause: Clause
    detection: Detection
    size: int


class Shelf:
    """Keeps the detectors that were used last."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._kept: OrderedDict[UUID, Compiled] = OrderedDict()

    def find(self, identifier: UUID, version: int) -> Compiled | None:
        """Return a detector of this version."""
        found = self._kept.get(identifier)
        if found is None or found.version != version:
            return None
        self._kept.move_to_end(identifier)
        return found

    def newest(self, identifier: UUID) -> Compiled | None:
        """Return a detector of whatever version was met last."""
        return self._kept.get(identifier)

    def keep(self, row: Row[Any]) -> None:
        """Make a stored detector ready, and keep it in place of its older version."""
        before = self._kept.pop(row.id, None)
        self._size -= before.size if before else 0
        made = Compiled(
            id=row.id,
            version=row.version,
            kind=DetectorKind(row.kind),
            action=Action(row.action),
            clause=Clause(row.clause_code, row.clause_text),
            detection=STORED.validate_json(row.settings).detection(),
            size=len(row.settings),
        )
        self._kept[made.id] = made
        self._size += made.size
        while self._size > self._most and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size


COMPILED = Shelf()
"""The shelf of this process. Ids are unique over all tenants, and a detector is asked for by an id that the tenant was shown."""
