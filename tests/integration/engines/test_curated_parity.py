"""Every function of a curated table gives the same rows on DuckDB and on Spark, exactly."""

from __future__ import annotations

import inspect

import ibis.expr.types as ir
import pyarrow as pa
import pytest

from pipeline.curated import tables
from shared.engine import Engine
from shared.tables import CONTRACT, Table
from shared.tables.validation import bad_rows, good_rows
from tests.integration.engines import nasty
from tests.integration.engines.compare import differences

FUNCTIONS = {name: made for name, made in inspect.getmembers(tables, inspect.isfunction) if name.startswith("curated_")}
CHECKED = sorted(name for name, made in FUNCTIONS.items() if any(p.startswith("raw_") for p in made.__annotations__))

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of pyspark's own


def made(engine: Engine, name: str, raw: pa.Table) -> tuple[Table, ir.Table]:
    table = CONTRACT[name.replace("_", ".", 1)]
    there = {other: engine.memory(f"{name} {other}", rows) for other, rows in nasty.references_of(table).items()}
    given = {}
    for argument in FUNCTIONS[name].__annotations__:
        if argument.startswith("raw_"):
            given[argument] = engine.memory(f"raw {name}", raw)
        elif argument != "return":
            given[argument] = there[table.full_name if argument == "current" else argument.replace("_", ".", 1)]
    return table, FUNCTIONS[name](**given)


def test_there_is_a_function_for_every_curated_table() -> None:
    assert {name.replace("_", ".", 1) for name in FUNCTIONS} == {n for n in CONTRACT if n.startswith("curated.")}


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("kind", [nasty.raw_text, nasty.raw_typed], ids=["text", "typed"])
def test_rows_are_cast_and_judged_alike(duck: Engine, spark: Engine, name: str, kind: object) -> None:
    raw = kind(CONTRACT[name.replace("_", ".", 1)])  # type: ignore[operator]
    answers = []
    for engine in (duck, spark):
        _, rows = made(engine, name, raw)
        answers.append(engine.to_arrow(rows))
    one, other = answers
    assert one.num_rows == nasty.ROWS
    if kind is nasty.raw_typed:
        # The text of a float is not the same text beyond 10^7; it only says in quarantine what came.
        floats = [f"raw__{f.name}" for f in raw.schema if pa.types.is_floating(f.type)]
        one, other = one.drop_columns(floats), other.drop_columns(floats)
    assert differences(one, other) == []


@pytest.mark.parametrize("name", ["curated_orders", "curated_payments"])
def test_good_and_bad_rows_part_alike(duck: Engine, spark: Engine, name: str) -> None:
    raw = nasty.raw_text(CONTRACT[name.replace("_", ".", 1)])
    for part in (good_rows, bad_rows):
        one, other = (engine.to_arrow(part(*made(engine, name, raw))) for engine in (duck, spark))
        assert differences(one, other) == []
