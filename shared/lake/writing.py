"""Commits to a Delta table: whole or not at all, retried where another writer came first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from shared.engine.layout import WrittenFile
from shared.errors import FailedPrecondition, InvalidArgument
from shared.lake import monthly
from shared.lake.commit import Change, checkpoint_now_and_then, clean, commit, no_hooks, properties
from shared.lake.conflict import ATTEMPTS, LakeConflict, retried
from shared.lake.snapshot import columns
from shared.lake.target import Target, by_month, standing
from shared.tables import Table

ONE_FILE_BYTES = 512 * 1024 * 1024
DELETED = "_deleted"


class LakeNotByMonth(FailedPrecondition):
    """Months are to be replaced of a table that is not kept by month."""

    reason = "LAKE_NOT_BY_MONTH"


class ColumnsMissing(InvalidArgument):
    """The rows lack columns of the contract."""

    reason = "LAKE_COLUMNS_MISSING"


def conform(data: pa.Table | pa.RecordBatchReader, contract: Table | None) -> pa.Table | pa.RecordBatchReader:
    """Return the data in the contract's columns, order and types."""
    if contract is None:
        return data
    schema = contract.arrow_schema()
    _require_columns(data.schema, contract)
    if isinstance(data, pa.Table):
        return data.select(schema.names).cast(schema)
    batches = (batch.select(schema.names).cast(schema) for batch in data)
    return pa.RecordBatchReader.from_batches(schema, batches)


def _require_columns(schema: pa.Schema, contract: Table) -> None:
    lacking = [name for name in contract.column_names if name not in schema.names]
    if lacking:
        raise ColumnsMissing(f"rows for {contract.full_name} lack {', '.join(lacking)}")


def overwrite(target: Target, data: pa.Table | pa.RecordBatchReader, metadata: Mapping[str, str]) -> int:
    """Return the version that holds exactly `data`."""
    rows = conform(data, target.contract)
    # A stream of batches is spent by the first attempt, so it cannot be written again.
    attempts = ATTEMPTS if isinstance(data, pa.Table) else 1
    if target.layout().by_month:
        return retried(target.name, lambda: _overwrite_months(target, rows, metadata), attempts)
    return retried(target.name, lambda: _overwrite(target, rows, metadata), attempts)


def replace(
    target: Target,
    files: Sequence[WrittenFile],
    months: Collection[str | None] | None,
    expected: int | None,
    metadata: Mapping[str, str],
) -> int:
    """Return the version in which `files` stand for `months` (None: for the whole table), made on top of `expected`.

    Raises LakeConflict where the table is no longer at `expected`, LakeNotByMonth.
    """
    delta = target.open(expected) if expected is not None else None
    try:
        return _replace(target, delta, files, months, metadata)
    except CommitFailedError as error:
        raise LakeConflict(
            f"{target.name}: another writer came first, it is no longer at version {expected}; compute it again",
            metadata={"table": target.name},
        ) from error


def _replace(
    target: Target,
    delta: DeltaTable | None,
    files: Sequence[WrittenFile],
    months: Collection[str | None] | None,
    metadata: Mapping[str, str],
) -> int:
    monthly = bool(target.layout().by_month)
    there = standing(delta) if delta is not None else []
    if delta is not None and months is not None and not by_month(delta):
        clean(target, files)
        raise LakeNotByMonth(f"{target.name} is not kept by month as it stands; replace the whole of it once")
    gone = [file for file in there if months is None or file.month in months]
    change = Change(files, gone, metadata, whole=months is None, schema=_columns(target, files, delta))
    return commit(target, delta, change, monthly=monthly)


def _columns(target: Target, files: Sequence[WrittenFile], delta: DeltaTable | None) -> pa.Schema | None:
    if target.contract is not None:
        return target.contract.arrow_schema()
    if not files:
        return columns(delta) if delta is not None else None
    with target.log.files.open_input_file(files[0].path) as file:
        return pq.read_schema(file)


def _overwrite_months(target: Target, rows: pa.Table | pa.RecordBatchReader, metadata: Mapping[str, str]) -> int:
    delta, layout = target.open(), target.layout()
    if isinstance(rows, pa.Table):
        files = monthly.write(rows, layout)
    else:
        files = monthly.write_stream(rows, rows.schema, layout)
    return _replace(target, delta, files, None, metadata)


def _overwrite(target: Target, rows: pa.Table | pa.RecordBatchReader, metadata: Mapping[str, str]) -> int:
    delta = target.open()
    if delta is None:
        return _create(target, rows, metadata)
    write_deltalake(
        delta,
        rows,
        mode="overwrite",
        schema_mode="overwrite",
        target_file_size=ONE_FILE_BYTES,
        writer_properties=_parquet(),
        commit_properties=properties(metadata),
        post_commithook_properties=no_hooks(),
    )
    checkpoint_now_and_then(target, int(delta.version()))
    return int(delta.version())


def merge(
    target: Target, upserts: pa.Table, deletes: pa.Table, key: tuple[str, ...], metadata: Mapping[str, str]
) -> int:
    """Return the version with `upserts` put in and the rows with the keys of `deletes` taken out, by `key`."""
    rows = conform(upserts, target.contract)

    def attempt() -> int:
        delta = target.open()
        if delta is None:
            return (
                _overwrite_months(target, rows, metadata)
                if target.layout().by_month
                else _create(target, rows, metadata)
            )
        if by_month(delta):
            return _merge_months(target, delta, rows, _keys(rows, deletes, key), metadata)
        return _merge(target, delta, _changes(rows, deletes, key), key, metadata)

    return retried(target.name, attempt)


def _merge_months(
    target: Target,
    delta: DeltaTable,
    upserts: pa.Table,
    deletes: pa.Table,
    metadata: Mapping[str, str],
) -> int:
    found = monthly.merge(target.log.files, standing(delta), upserts, deletes, target.layout())
    change = Change(found.adds, found.removes, metadata, schema=upserts.schema)
    return commit(target, delta, change, monthly=True)


def _merge(
    target: Target, delta: DeltaTable, changes: pa.Table, key: tuple[str, ...], metadata: Mapping[str, str]
) -> int:
    (
        delta.merge(
            changes,
            " AND ".join(f"t.{column} = s.{column}" for column in key),
            source_alias="s",
            target_alias="t",
            writer_properties=_parquet(),
            commit_properties=properties(metadata),
            post_commithook_properties=no_hooks(),
        )
        .when_matched_delete(predicate=f"s.{DELETED}")
        .when_matched_update_all(except_cols=[DELETED])
        .when_not_matched_insert_all(predicate=f"NOT s.{DELETED}", except_cols=[DELETED])
        .execute()
    )
    checkpoint_now_and_then(target, int(delta.version()))
    return int(delta.version())


def _changes(upserts: pa.Table, deletes: pa.Table, key: tuple[str, ...]) -> pa.Table:
    kept = upserts.append_column(DELETED, pa.repeat(pa.scalar(False), upserts.num_rows))
    if not deletes.num_rows:
        return kept
    keys = _keys(upserts, deletes, key)
    gone = keys.append_column(DELETED, pa.repeat(pa.scalar(True), deletes.num_rows))
    loose = pa.schema([field.with_nullable(True) for field in kept.schema])
    return pa.concat_tables([kept.cast(loose), gone], promote_options="default").cast(loose)


def _keys(upserts: pa.Table, deletes: pa.Table, key: tuple[str, ...]) -> pa.Table:
    return deletes.select(list(key)).cast(pa.schema([upserts.schema.field(name) for name in key]))


def _create(target: Target, rows: pa.Table | pa.RecordBatchReader, metadata: Mapping[str, str]) -> int:
    """Return version 0; raises CommitFailedError where another writer made the table meanwhile."""
    kept = f"interval {target.retention_days} days"
    try:
        write_deltalake(
            target.uri,
            rows,
            mode="error",
            name=target.name,
            description=target.contract.description if target.contract else None,
            configuration={"delta.logRetentionDuration": kept, "delta.deletedFileRetentionDuration": kept},
            target_file_size=ONE_FILE_BYTES,
            writer_properties=_parquet(),
            commit_properties=properties(metadata),
            post_commithook_properties=no_hooks(),
            storage_options=dict(target.options) or None,
        )
    except DeltaError as error:
        if target.open() is None:
            raise
        raise CommitFailedError(f"{target.name} was made meanwhile") from error
    return 0


def _parquet() -> WriterProperties:
    return WriterProperties(compression="ZSTD")
