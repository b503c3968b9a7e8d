"""What the systems' batch functions compute is the same on DuckDB and on Spark: relational ones exactly."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import ibis
import pyarrow as pa
import pytest

from pipeline.systems.functions import reads
from shared.clock import batch_clock
from shared.engine import Engine
from shared.models import Registry, Training
from shared.systems import SYSTEMS
from shared.tables import CONTRACT
from tests.integration.engines import nasty
from tests.integration.engines.compare import differences

TOLERANCE = 1e-9
"""Of the floats in a row that a model made."""
SERVICES = {"before", "clock", "engine", "registry", "training"}
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of pyspark's own


def modules() -> list[ModuleType]:
    named = [f"services.{system.name}.batch" for system in SYSTEMS if find_spec(f"services.{system.name}") is not None]
    return [importlib.import_module(name) for name in named if find_spec(name) is not None]


def takes_tables(function: Callable[..., Any]) -> bool:
    zones = ("curated_", *(f"{system.zone}_" for system in SYSTEMS))
    arguments = [name for name in inspect.signature(function).parameters if name not in SERVICES]
    named = (name.replace("_", ".", 1) if name.startswith("curated_") else _prod(name) for name in arguments)
    return bool(arguments) and all(name.startswith(zones) for name in arguments) and all(n in CONTRACT for n in named)


def _prod(argument: str) -> str:
    zone = next((s.zone for s in SYSTEMS if argument.startswith(f"{s.zone}_")), "")
    return f"{zone}.{argument.removeprefix(f'{zone}_')}"


def functions() -> list[tuple[str, Callable[..., Any]]]:
    found = ((m.__name__, f) for m in modules() for _, f in inspect.getmembers(m, inspect.isfunction))
    return [(f"{module}.{f.__name__}", f) for module, f in found if f.__module__ == module and takes_tables(f)]


def answer(engine: Engine, function: Callable[..., Any], inputs: dict[str, pa.Table], folder: Path) -> pa.Table:
    given: dict[str, Any] = {}
    for argument, name in zip(tables_of(function), reads(function), strict=True):
        given[argument] = engine.memory(name, inputs[name])
    asked = inspect.signature(function).parameters
    if "clock" in asked:
        given["clock"] = batch_clock(engine.memory("all orders", inputs["curated.orders"]), engine)
    services = {"engine": engine, "registry": Registry.under(folder), "training": training(folder)}
    made = function(**given, **{name: service for name, service in services.items() if name in asked})
    return engine.to_arrow(made) if isinstance(made, ibis.Table) else made


def tables_of(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in SERVICES]


def training(folder: Path) -> Training:
    return Training(Registry.under(folder), {"curated.orders": 0}, "test")


@pytest.fixture(scope="module")
def inputs() -> dict[str, pa.Table]:
    """Return every curated table, and the prod tables that functions read of one another."""
    return {name: nasty.curated(table) for name, table in CONTRACT.items()}


@pytest.mark.parametrize(("name", "function"), functions(), ids=[name for name, _ in functions()])
def test_a_batch_function_gives_the_same_rows(
    duck: Engine, spark: Engine, inputs: dict[str, pa.Table], name: str, function: Callable[..., Any], tmp_path: Path
) -> None:
    one = answer(duck, function, inputs, tmp_path / "one")
    other = answer(spark, function, inputs, tmp_path / "other")
    relational = "pa.Table" not in str(inspect.signature(function).return_annotation)
    assert one.num_rows
    assert differences(one, other, None if relational else TOLERANCE) == []
