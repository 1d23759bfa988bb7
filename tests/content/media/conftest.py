"""Content with a store of media of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.content.media.uploads import Uploads

from chassis.testing.cluster import Cluster
from chassis.testing.kit import Kit, running_kit
from content.app import service


@pytest.fixture(scope="module")
async def kit(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kit]:
    folder = tmp_path_factory.mktemp("media")
    async with running_kit(service, cluster, media_directory=folder / "store", media_quota=64 * 2**20) as running:
        yield running


@pytest.fixture
def store(kit: Kit) -> Path:
    """The folder of the store."""
    return Path(str(kit.runtime.settings.media_directory))  # type: ignore[attr-defined]


@pytest.fixture
def uploads(kit: Kit) -> Uploads:
    return Uploads(kit)
