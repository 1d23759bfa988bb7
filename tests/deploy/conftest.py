"""The manifests, built once for the whole run."""

from pathlib import Path

import pytest
from tests.deploy.manifests import Document, copy_of, kustomize


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of(tmp_path_factory.mktemp("deploy"))


@pytest.fixture(scope="session")
def prod(folder: Path) -> list[Document]:
    return kustomize(folder / "overlays" / "prod")


@pytest.fixture(scope="session")
def dev(folder: Path) -> list[Document]:
    return kustomize(folder / "overlays" / "dev")


@pytest.fixture(params=["dev", "prod"])
def overlay(request: pytest.FixtureRequest) -> list[Document]:
    documents: list[Document] = request.getfixturevalue(request.param)
    return documents
