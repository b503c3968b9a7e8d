"""A batch function run when what it reads has changed, and what it gives held against the contract."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.batch import Batch, Outcome
from pipeline.code_version import digest
from pipeline.curated.incremental import snapshot_of
from pipeline.systems.functions import BatchFunction, TableFunctionBroken
from shared.clock import batch_clock
from shared.errors import FailedPrecondition
from shared.lake import Snapshot
from shared.models import Training
from shared.principal import BATCH
from shared.tables import CONTRACT, Table


class InputMissing(FailedPrecondition):
    """A table that a batch function reads is not in the lake."""

    reason = "INPUT_MISSING"


def refresh(batch: Batch, made: BatchFunction) -> list[Outcome]:
    """Return what became of the tables of one batch function. Raises InputMissing, TableFunctionBroken."""
    inputs, clock = _inputs(batch, made)
    metadata = _notes(made, inputs, clock)
    current = _current(batch, made, inputs, metadata)
    if current is not None:
        return current
    tables = _call(batch, made, inputs, clock)
    finished = {name: _finished(batch, CONTRACT[name], rows, clock) for name, rows in tables.items()}
    return [_write(batch, name, rows, metadata, inputs) for name, rows in finished.items()]


def up_to_date(batch: Batch, made: BatchFunction) -> list[Outcome] | None:
    """Return the outcomes if nothing is to be computed, else None. Raises InputMissing."""
    inputs, clock = _inputs(batch, made)
    return _current(batch, made, inputs, _notes(made, inputs, clock))


def _inputs(batch: Batch, made: BatchFunction) -> tuple[dict[str, Snapshot], date]:
    there = [name for name in made.reads if name not in made.may_lack or snapshot_of(batch, name) is not None]
    inputs = {name: _input(batch, name, made) for name in there}
    orders = _input(batch, "curated.orders", made)
    return inputs, batch.request.clock or batch_clock(batch.local.table(orders), batch.local)


def _notes(made: BatchFunction, inputs: Mapping[str, Snapshot], clock: date) -> dict[str, str]:
    """Return what the tables are made from, as their commits note it; care of an input changes nothing of it."""
    return {
        "code_version": f"{made.code_version}-{digest(('shared/tables',))}",
        "data_through_on": clock.isoformat(),
        **{f"input.{name}": str(snapshot.changed_version) for name, snapshot in inputs.items()},
    }


def _current(
    batch: Batch, made: BatchFunction, inputs: Mapping[str, Snapshot], metadata: Mapping[str, str]
) -> list[Outcome] | None:
    before = {name: snapshot_of(batch, name) for name in made.makes}
    if all(_made_from(snapshot, metadata) for snapshot in before.values()):
        return [_outcome(name, snapshot, inputs, "up to date") for name, snapshot in before.items() if snapshot]
    return None


def _input(batch: Batch, name: str, made: BatchFunction) -> Snapshot:
    snapshot = snapshot_of(batch, name)
    if snapshot is None:
        raise InputMissing(f"{made.makes[0]} reads {name}, which is not in the lake; import a source that has it")
    return snapshot


def _made_from(snapshot: Snapshot | None, metadata: Mapping[str, str]) -> bool:
    return snapshot is not None and all(snapshot.metadata.get(key) == value for key, value in metadata.items())


def _call(batch: Batch, made: BatchFunction, inputs: Mapping[str, Snapshot], clock: date) -> dict[str, Any]:
    versions = {name: snapshot.version for name, snapshot in inputs.items()}
    training = Training(batch.registry, versions, made.code_version)
    given: dict[str, Any] = {"clock": clock, "engine": batch.engine, "registry": batch.registry, "training": training}
    given["forecast_effort"] = batch.settings.forecast_effort
    wanted = inspect.signature(made.function).parameters
    if "before" in wanted:
        given["before"] = {name.partition(".")[2]: _standing(batch, name) for name in made.makes}
    arguments = {name: given[name] for name in wanted if name in given}
    arguments |= {name.replace(".", "_", 1): batch.engine.table(snapshot) for name, snapshot in inputs.items()}
    result = made.function(**arguments)
    if len(made.makes) == 1:
        return {made.makes[0]: result}
    return {f"{made.makes[0].partition('.')[0]}.{name}": rows for name, rows in result.items()}


def _standing(batch: Batch, name: str) -> pa.Table:
    """Return the rows of a table as the run before left them; none where it has not been made."""
    empty = CONTRACT[name].arrow_schema().empty_table()
    return empty if snapshot_of(batch, name) is None else batch.lake.read(name, BATCH).data


def _finished(batch: Batch, table: Table, rows: ir.Table | pa.Table, clock: date) -> pa.Table:
    """Return the rows with their tail, in the contract's columns, types and order, held against it."""
    data = batch.engine.to_arrow(rows) if isinstance(rows, ibis.Table) else rows
    schema = table.arrow_schema()
    tail = {"data_through_on": clock, "model_name": None, "model_version": None, "computed_at": batch.now}
    for name, value in tail.items():
        if name not in data.column_names:
            kind = schema.field(name).type
            data = data.append_column(name, pa.repeat(pa.scalar(value, kind), data.num_rows))
    lacking = [name for name in schema.names if name not in data.column_names]
    if lacking:
        raise TableFunctionBroken(f"{table.full_name}: the function gave no {', '.join(lacking)}")
    try:
        cast = data.select(schema.names).cast(schema)
    except (pa.ArrowException, ValueError) as error:
        raise TableFunctionBroken(f"{table.full_name}: a column has another type than the contract says") from error
    return _held_against(table, cast).sort_by([(name, "ascending") for name in table.key])


def _held_against(table: Table, rows: pa.Table) -> pa.Table:
    empty = [column.name for column in table.columns if not column.nullable and rows[column.name].null_count]
    if empty:
        raise TableFunctionBroken(f"{table.full_name}: {', '.join(empty)} must not be empty, but is in some rows")
    for column in table.columns:
        if column.choices and not pc.all(_chosen(rows[column.name], column.choices), min_count=0).as_py():
            raise TableFunctionBroken(f"{table.full_name}: {column.name} is none of {', '.join(column.choices)}")
    if rows.group_by(list(table.key)).aggregate([]).num_rows != rows.num_rows:
        raise TableFunctionBroken(f"{table.full_name}: two rows have the same {', '.join(table.key)}")
    return rows


def _chosen(values: pa.ChunkedArray, choices: tuple[str, ...]) -> pa.ChunkedArray:
    return pc.or_(pc.is_null(values), pc.is_in(values, value_set=pa.array(choices)))


def _write(
    batch: Batch, name: str, rows: pa.Table, metadata: Mapping[str, str], inputs: Mapping[str, Snapshot]
) -> Outcome:
    models = {key: ",".join(pc.unique(rows[key].drop_null()).to_pylist()) for key in ("model_name", "model_version")}
    batch.lake.overwrite(name, rows, metadata={**metadata, **models})
    return _outcome(name, batch.lake.snapshot(name), inputs, "", changed=True)


def _outcome(name: str, now: Snapshot, inputs: Mapping[str, Snapshot], note: str, *, changed: bool = False) -> Outcome:
    rows_in = sum(snapshot.rows for snapshot in inputs.values()) if changed else 0
    return Outcome(name, now.version, changed, rows_in, now.rows, 0, note)
