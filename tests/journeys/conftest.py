"""Fixtures of the journeys."""

import pytest
from tests.stack_fixture import LiveStack, shared_stack

__all__ = ["shared_stack", "stack"]


@pytest.fixture(scope="module")
def stack(shared_stack: LiveStack) -> LiveStack:
    """The stack that journeys share; those that break it, or count all that is in it, import one of their own instead."""
    return shared_stack
