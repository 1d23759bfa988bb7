"""The only clock. Everything asks it for the time, so that tests can move time for everything at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


def _system() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the one place that may ask the system


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return _source()


class MovableClock:
    """A clock that stands still until it is moved. For tests."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def move(self, **by: float) -> None:
        """Move by a timedelta's arguments, backwards too: `clock.move(minutes=10)`."""
        self.instant += timedelta(**by)

    def __call__(self) -> datetime:
        """Return the instant."""
        return self.instant


@contextmanager
def use(source: Callable[[], datetime]) -> Iterator[None]:
    """Take the time from `source` while the block runs."""
    global _source  # noqa: PLW0603  one clock for the whole process is the purpose
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
