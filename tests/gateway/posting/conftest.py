"""A poster that may reach this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.gateway.posting.receivers import LOOPBACK

from gateway.posting import Poster


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    async with Poster(LOOPBACK) as opened:
        yield opened
