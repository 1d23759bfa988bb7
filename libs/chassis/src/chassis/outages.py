"""Telling an outage of the database or the broker from a fault in what was asked of them."""

from __future__ import annotations

import asyncpg
import nats.errors
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

DATABASE_ERRORS: tuple[type[Exception], ...] = (
    DBAPIError,
    PoolTimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What a database that is away raises, and what a wrong statement does; a timeout is an OSError."""
# Classes of SQLSTATE that say nothing about the statement: connection, resources, operator, system, rollback by contention.
_STATES = ("08", "53", "57", "58", "40", "55")


def is_outage(error: BaseException) -> bool:
    """Tell whether a failure says something about the database or the broker, and nothing about the caller."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, InterfaceError | OperationalError):
            return True
        # The driver's internal error is what a connection raises that dies between two messages of one statement.
        cause = getattr(error.orig, "__cause__", None)
        return _state(error.orig) in _STATES or isinstance(cause, asyncpg.InternalClientError)
    if isinstance(error, asyncpg.PostgresError):
        return _state(error) in _STATES
    return isinstance(error, (*DATABASE_ERRORS, nats.errors.Error))


def is_contention(error: BaseException) -> bool:
    """Tell whether PostgreSQL ended a transaction for the sake of another, to resolve a deadlock for one."""
    orig = error.orig if isinstance(error, DBAPIError) else error
    return _state(orig) == "40"


def is_locked(error: BaseException) -> bool:
    """Tell whether a statement gave up waiting for what another transaction has locked."""
    orig = error.orig if isinstance(error, DBAPIError) else error
    return _state(orig) == "55"


def is_too_long(error: BaseException) -> bool:
    """Tell whether a statement was ended because it took too long: the database may be busy, or the statement too much for it."""
    orig = error.orig if isinstance(error, DBAPIError) else error
    return getattr(orig, "sqlstate", None) == "57014"


def _state(error: BaseException | None) -> str:
    return (getattr(error, "sqlstate", None) or "")[:2]
