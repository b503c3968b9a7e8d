"""The functions that do long work: plain ones at the top of a module, known by name wherever they run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol, cast


class Progress(Protocol):
    """Tells how far the work is."""

    def __call__(self, pct: float, phrase: str = "") -> None:
        """Say the share done, 0-100, and what is being done now, in words; an empty phrase leaves the last."""


Work = Callable[[Progress, Mapping[str, Any]], Mapping[str, Any]]
"""`work(progress, arguments) -> result`; both are what JSON can hold. `principal.current` is whoever asked for it."""


class NotWork(ValueError):
    """A function that another process could not find by its name."""


def name_of(function: Work, packages: Collection[str]) -> str:
    """Return `package.module:function`. Raises NotWork unless that name leads back to the function."""
    name = f"{function.__module__}:{function.__qualname__}"
    if work_of(name, packages) is not function:
        raise NotWork(f"{name} is not a plain function at the top of a module")
    return name


def work_of(name: str, packages: Collection[str]) -> Work:
    """Return the function of that name. Raises NotWork for one that is not in the given packages.

    The name may come from a database: it must not be able to name just anything.
    """
    module, _, function = name.partition(":")
    if module.partition(".")[0] not in packages:
        raise NotWork(f"{name} is in none of {', '.join(sorted(packages))}")
    loaded = sys.modules.get(module) or importlib.import_module(module)
    found = getattr(loaded, function, None)
    if not callable(found) or getattr(found, "__module__", "") != module:
        raise NotWork(f"there is no function {name}")
    return cast(Work, found)
