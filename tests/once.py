"""What takes long to make and no test changes, made once for all processes of a test run."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """Return what `make` makes in a new folder; the first process that asks makes it, the others wait for it.

    Args:
        factory: of the test run.
        name: of the folder, and of what is made.
        make: called with the folder; what it returns is handed on pickled.
    """
    shared = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    made = shared / f"{name}.pickle"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            found = make(factory.mktemp(name))
            made.write_bytes(pickle.dumps(found))
        handed_on: T = pickle.loads(made.read_bytes())
    return handed_on
