"""The contracts break no client of the release whose image is kept in the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import google.api as google_api
import pytest

ROOT = Path(__file__).parents[3]
BUF = Path(sys.executable).parent / "buf"
IMAGE = "protos/released.binpb.gz"

pytestmark = pytest.mark.skipif(not BUF.is_file(), reason="buf is not installed; pip install buf-bin")


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A copy of the contracts as they are, and of the release's image."""
    shutil.copytree(ROOT / "protos", tmp_path / "protos", ignore=shutil.ignore_patterns("*_pb2*", "__pycache__"))
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    module = tmp_path / "build/googleapis/google/api"
    module.mkdir(parents=True)
    for name in ("annotations", "http", "httpbody"):
        shutil.copy(Path(next(iter(google_api.__path__))) / f"{name}.proto", module)
    return tmp_path


def buf(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run([BUF, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_contracts_break_nothing_of_the_release_before(released: Path) -> None:
    assert buf(released, "breaking", "--against", IMAGE) == (0, "")


def test_a_removed_field_is_found_and_named(released: Path) -> None:
    path = released / "protos/common/v1/operation.proto"
    lines = path.read_text().splitlines()
    at, field = next((n, line) for n, line in enumerate(lines) if line.strip().startswith("string "))
    path.write_text("\n".join(lines[:at] + lines[at + 1 :]))
    code, told = buf(released, "breaking", "--against", IMAGE)
    assert code == 100
    assert f'"{field.split()[1]}"' in told


def test_a_renewed_image_is_the_same_while_the_contracts_are(released: Path) -> None:
    assert buf(released, "build", "--path", "protos", "--exclude-source-info", "-o", "a.binpb.gz")[0] == 0
    assert buf(released, "breaking", "--against", "a.binpb.gz") == (0, "")
