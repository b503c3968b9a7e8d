"""Commits to a Delta table: whole or not at all, retried where another writer came first."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from shared.errors import Aborted, InvalidArgument
from shared.lake.log import NOTE
from shared.tables import Table

ATTEMPTS = 12
ONE_FILE_BYTES = 512 * 1024 * 1024
DELETED = "_deleted"
T = TypeVar("T")


class LakeConflict(Aborted):
    """Other writers kept changing the table."""

    reason = "LAKE_CONFLICT"


class ColumnsMissing(InvalidArgument):
    """The rows lack columns of the contract."""

    reason = "LAKE_COLUMNS_MISSING"


@dataclass(frozen=True, slots=True)
class Target:
    """A table to be written: its name, where it lies and how long its history is kept."""

    name: str
    uri: str
    options: Mapping[str, str]
    retention_days: int
    contract: Table | None

    def open(self) -> DeltaTable | None:
        """Return the table as it stands, None where there is none yet."""
        try:
            return DeltaTable(self.uri, storage_options=dict(self.options) or None)
        except TableNotFoundError:
            return None


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

    def attempt() -> int:
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
            commit_properties=_noted(metadata),
        )
        return int(delta.version())

    # A stream of batches is spent by the first attempt, so it cannot be written again.
    return retried(target.name, attempt, ATTEMPTS if isinstance(data, pa.Table) else 1)


def merge(
    target: Target, upserts: pa.Table, deletes: pa.Table, key: tuple[str, ...], metadata: Mapping[str, str]
) -> int:
    """Return the version with `upserts` put in and the rows with the keys of `deletes` taken out, by `key`."""
    rows = conform(upserts, target.contract)
    changes = _changes(rows, deletes, key)

    def attempt() -> int:
        delta = target.open()
        if delta is None:
            return _create(target, rows, metadata)
        (
            delta.merge(
                changes,
                " AND ".join(f"t.{column} = s.{column}" for column in key),
                source_alias="s",
                target_alias="t",
                writer_properties=_parquet(),
                commit_properties=_noted(metadata),
            )
            .when_matched_delete(predicate=f"s.{DELETED}")
            .when_matched_update_all(except_cols=[DELETED])
            .when_not_matched_insert_all(predicate=f"NOT s.{DELETED}", except_cols=[DELETED])
            .execute()
        )
        return int(delta.version())

    return retried(target.name, attempt, ATTEMPTS)


def retried(name: str, attempt: Callable[[], T], attempts: int) -> T:
    """Return what `attempt` does, begun anew where another writer committed meanwhile; raises LakeConflict."""
    for pause in (0.01 * 2**n for n in range(attempts)):
        try:
            return attempt()
        except CommitFailedError:
            time.sleep(random.uniform(0, min(pause, 1.0)))  # noqa: S311  spreads writers, hides nothing
    raise LakeConflict(
        f"{name}: other writers kept changing the table ({attempts} attempts); try again", metadata={"table": name}
    )


def _changes(upserts: pa.Table, deletes: pa.Table, key: tuple[str, ...]) -> pa.Table:
    kept = upserts.append_column(DELETED, pa.repeat(pa.scalar(False), upserts.num_rows))
    if not deletes.num_rows:
        return kept
    keys = deletes.select(list(key)).cast(pa.schema([upserts.schema.field(name) for name in key]))
    gone = keys.append_column(DELETED, pa.repeat(pa.scalar(True), deletes.num_rows))
    loose = pa.schema([field.with_nullable(True) for field in kept.schema])
    return pa.concat_tables([kept.cast(loose), gone], promote_options="default").cast(loose)


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
            commit_properties=_noted(metadata),
            storage_options=dict(target.options) or None,
        )
    except DeltaError as error:
        if target.open() is None:
            raise
        raise CommitFailedError(f"{target.name} was made meanwhile") from error
    return 0


def _noted(metadata: Mapping[str, str]) -> CommitProperties:
    # No retries of delta-rs's own: they put the same files on top of what another writer made meanwhile.
    return CommitProperties(
        custom_metadata={f"{NOTE}{key}": value for key, value in metadata.items()}, max_commit_retries=0
    )


def _parquet() -> WriterProperties:
    return WriterProperties(compression="ZSTD")
