"""A model registry that has been set up once, copied for each test that registers something."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shared.models import Registry


@pytest.fixture(scope="session")
def registry_begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a registry with a store of its own and no version: setting it up takes MLflow seconds."""
    folder = tmp_path_factory.mktemp("registry")
    Registry.under(folder).export()
    return folder


@pytest.fixture
def registry(registry_begun: Path, tmp_path: Path) -> Registry:
    shutil.copytree(registry_begun, tmp_path / "var")
    return Registry.under(tmp_path / "var")
