"""How many statements a request sends, for tests of reads that must not grow with what they read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from chassis.testing.kit import Kit


@contextmanager
def counted(kit: Kit) -> Iterator[list[str]]:
    """Gather what the service's requests send in the block."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = kit.runtime.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
