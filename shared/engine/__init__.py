"""Where table functions run: Ibis expressions on DuckDB in this process, on Spark when one machine is outgrown.

Importing this package imports no engine: each is loaded when its name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from shared.engine.layout import Layout, WrittenFile
from shared.engine.opening import engine
from shared.engine.protocol import Engine, EngineMissing, Workers

if TYPE_CHECKING:
    from shared.engine.athena import AthenaEngine
    from shared.engine.duck import DuckDbEngine
    from shared.engine.spark import SparkEngine

__all__ = [
    "AthenaEngine",
    "DuckDbEngine",
    "Engine",
    "EngineMissing",
    "Layout",
    "SparkEngine",
    "Workers",
    "WrittenFile",
    "engine",
]

_LATER = {
    "AthenaEngine": "shared.engine.athena",
    "DuckDbEngine": "shared.engine.duck",
    "SparkEngine": "shared.engine.spark",
}


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
