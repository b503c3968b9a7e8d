"""An environment that holds exactly what a lock names, linked from the one the tests run in.

That one was installed from the same hashes: `compile.sh` writes every lock under the constraints of `dev.txt`. Linking
takes a second where an installer takes a minute for each image.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement


def environment(lock: Path, folder: Path) -> Path:
    """Return the Python of a new environment with what `lock` names and nothing else.

    Raises AssertionError where the environment of the tests has another version, or the lock leaves out what
    something in it needs.
    """
    venv.create(folder)
    python = folder / "bin" / "python"
    site = folder / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    for wanted in _named(lock):
        _link(wanted, site)
    check = ["uv", "pip", "check", "--quiet", "--offline", "--python", str(python)]
    told = subprocess.run([sys.executable, "-m", *check], capture_output=True, text=True, check=False)
    assert told.returncode == 0, f"{lock.name} is not whole: {told.stderr}"
    return python


def _named(lock: Path) -> Iterator[Requirement]:
    lines = (line.rstrip(" \\") for line in lock.read_text().splitlines())
    for line in lines:
        if line and not line.startswith(("#", " ")):
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate():
                yield wanted


def _link(wanted: Requirement, site: Path) -> None:
    found = distribution(wanted.name)
    assert wanted.specifier.contains(found.version), f"the tests have {found.version} for {wanted}: run `make locks`"
    for file in found.files or ():
        # What is outside of the packages' folder are commands, which name the Python they were installed for.
        if file.parts[0] != ".." and file.suffix != ".pyc":
            to = site / file
            to.parent.mkdir(parents=True, exist_ok=True)
            _put(Path(str(file.locate())), to)


def _put(source: Path, to: Path) -> None:
    try:
        os.link(source, to)
    except OSError:  # another file system
        to.write_bytes(source.read_bytes())
