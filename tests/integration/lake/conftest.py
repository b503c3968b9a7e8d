"""Real limits and servers for the lake to meet."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3_server import s3_server


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("a disk of its own cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """The environment in which `s3://lake` is a bucket of a server on loopback."""
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_region", "aws_endpoint_url")
    with s3_server() as options:
        yield {name.upper(): options[name] for name in names}


@pytest.fixture
def reached(s3: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment to that server."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
