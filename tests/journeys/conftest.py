"""Fixtures of the journeys."""

from tests.stack_fixture import stack

__all__ = ["stack"]
