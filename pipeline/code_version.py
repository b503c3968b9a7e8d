"""Which code made a table: a digest over the source files that decide its rows."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
CONTRACT_FILES = ("shared/tables",)
CURATED_FILES = ("pipeline/curated/tables.py", "pipeline/curated/history.py", *CONTRACT_FILES)
SOURCE_FILES = ("pipeline/sources", "pipeline/extract.py", *CONTRACT_FILES)
LENGTH = 16


def digest(paths: Iterable[str | Path]) -> str:
    """Return a digest of the Python files at `paths`, relative to the repository, folders with all below them."""
    found = hashlib.sha256()
    for path in sorted(set(_files(paths))):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:LENGTH]


def code_version(module: ModuleType) -> str:
    """Return the module's own CODE_VERSION, else a digest of it and of what of services/ and shared/ it imports."""
    declared = getattr(module, "CODE_VERSION", None)
    return str(declared) if declared else digest(_imported(module, set()))


def _imported(module: ModuleType, seen: set[str]) -> set[Path]:
    """Return the files of a module and of those its names come from, within services/, metrics and expressions."""
    if module.__name__ in seen or module.__file__ is None:
        return set()
    seen.add(module.__name__)
    names = {getattr(v, "__name__" if isinstance(v, ModuleType) else "__module__", None) for v in vars(module).values()}
    ours = (sys.modules[n] for n in names if isinstance(n, str) and n in sys.modules and _decides_rows(n))
    return {Path(module.__file__).resolve()}.union(*(_imported(each, seen) for each in ours))


def _decides_rows(name: str) -> bool:
    return name.startswith("services.") or name in {"shared.metrics", "shared.expressions", "shared.clock"}


def _files(paths: Iterable[str | Path]) -> Iterator[Path]:
    for path in paths:
        place = ROOT / path
        yield from place.rglob("*.py") if place.is_dir() else (place,)
