"""What went wrong is logged; whose data it went wrong with is not."""

import io
import logging

import orjson
import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis import telemetry
from chassis.settings import Settings
from chassis.testing.kit import Kit


def sign_in(password: str) -> None:
    raise RuntimeError(f"{len(password)} characters")


def test_a_logged_error_has_its_frames_without_their_variables() -> None:
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level, stream = root.level, io.StringIO()
    try:
        telemetry.configure("sample", Settings())
        handler = root.handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
        try:
            sign_in("correct horse battery".upper())
        except RuntimeError:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    finally:
        root.handlers[:], root.level = before, level
        structlog.reset_defaults()
    line = orjson.loads(stream.getvalue())
    assert line["exception"][0]["exc_value"] == "21 characters"
    assert (
        line["exception"][0]["frames"][0]["name"] == test_a_logged_error_has_its_frames_without_their_variables.__name__
    )
    assert "CORRECT HORSE" not in stream.getvalue()


async def test_a_failed_statement_does_not_show_its_values(kit: Kit) -> None:
    async with kit.runtime.engine.connect() as connection:
        with pytest.raises(DBAPIError) as failure:
            await connection.execute(
                text("SELECT 1 / (length(:email) - length(:email))"), {"email": "lin@demo.example"}
            )
    assert "lin@demo.example" not in str(failure.value)
