"""What can be held of Athena without AWS: the SQL of every relational table function, and what it says is missing."""

from __future__ import annotations

import datetime as dt
import importlib.util
import inspect
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest
import sqlglot

from pipeline.curated import tables
from shared.engine import EngineMissing, engine
from shared.engine.athena import require_athena
from shared.engine.athena_compiler import LambdaCompiler
from shared.tables import CONTRACT
from shared.tables.validation import bad_rows, good_rows
from tests.integration.engines.test_system_parity import functions, tables_of

CURATED = {name: f for name, f in inspect.getmembers(tables, inspect.isfunction) if name.startswith("curated_")}
RELATIONAL = [
    (name, f) for name, f in functions() if "engine" not in inspect.signature(f).parameters
]  # the others compute at once


def full_name(argument: str) -> str:
    return next(name for name in CONTRACT if name.replace(".", "_", 1) == argument)


def unbound(name: str, *, raw: bool = False) -> ir.Table:
    table = CONTRACT[name]
    if not raw:
        return ibis.table(ibis.Schema.from_pyarrow(table.arrow_schema()), name=name)
    columns = {column.name: "string" for column in table.business_columns}
    return ibis.table({**columns, "_source": "string", "_source_position": "string"}, name=f"raw {name}")


def compiled(expression: ir.Table) -> str:
    return str(LambdaCompiler().to_sqlglot(expression).sql(dialect="athena"))


@pytest.mark.parametrize("name", sorted(CURATED))
def test_curated_tables_compile_for_athena(name: str) -> None:
    table, given = CONTRACT[full_name(name)], {}
    for argument in CURATED[name].__annotations__:
        if argument == "current":
            given[argument] = unbound(table.full_name)
        elif argument != "return":
            raw = argument.startswith("raw_")
            given[argument] = unbound(full_name(argument.replace("raw_", "curated_", 1)), raw=raw)
    rows = CURATED[name](**given)
    checked = [good_rows(table, rows), bad_rows(table, rows)] if "_reasons" in rows.columns else [rows]
    for expression in checked:
        assert sqlglot.parse_one(compiled(expression), dialect="athena").find(sqlglot.exp.Select)


@pytest.mark.parametrize(("name", "function"), RELATIONAL, ids=[name for name, _ in RELATIONAL])
def test_relational_batch_functions_compile_for_athena(name: str, function: Any) -> None:
    given: dict[str, Any] = {argument: unbound(full_name(argument)) for argument in tables_of(function)}
    if "clock" in inspect.signature(function).parameters:
        given["clock"] = dt.date(2017, 12, 30)
    assert sqlglot.parse_one(compiled(function(**given)), dialect="athena").find(sqlglot.exp.Select)


def test_what_athena_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineMissing, match=r"ATHENA_STAGING_DIR|PyAthena"):
        engine("athena")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    with pytest.raises(EngineMissing, match="ATHENA_STAGING_DIR is ''"):
        require_athena("")
