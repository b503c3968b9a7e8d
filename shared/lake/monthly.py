"""Rows in memory put into files by month, and changes brought into the files that hold their keys."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from shared.engine.layout import Layout, WrittenFile
from shared.engine.placing import MOST_GROUP, Placing, folder_of, new_name, placing, row_group_rows
from shared.errors import InvalidArgument
from shared.lake.snapshot import read_file
from shared.lake.target import Standing

SMALL_BYTES = 4 * 1024 * 1024


class KeysRepeated(InvalidArgument):
    """Several of the rows to be merged have one key."""

    reason = "LAKE_KEYS_REPEATED"


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge makes of the files of a version."""

    adds: list[WrittenFile]
    removes: list[Standing]


def write(rows: pa.Table, layout: Layout) -> list[WrittenFile]:
    """Return the files that hold the rows: one a month, sorted; no rows make no file."""
    with placing(layout, None) as made:
        _place(rows, made)
        return made.placed


def write_stream(batches: Iterable[pa.RecordBatch], schema: pa.Schema, layout: Layout) -> list[WrittenFile]:
    """Return the files that hold the rows of a stream, of which no more than a month is in memory at once."""
    with tempfile.TemporaryDirectory(prefix="months-") as folder, placing(layout, None) as made:
        for path in _spooled(batches, schema, layout, Path(folder)):
            with pq.ParquetFile(path) as part:
                _place(part.read().cast(schema), made)
            path.unlink()
        return made.placed


def merge(
    files: pafs.FileSystem, standing: Sequence[Standing], upserts: pa.Table, deletes: pa.Table, layout: Layout
) -> Merged:
    """Return the files to put in place of those that hold a key of the changes; a month at a time is in memory.

    `deletes` has the columns of the key alone.
    """
    changed = pa.concat_tables([upserts.select(deletes.column_names), deletes])
    _refuse_repeated(upserts.select(deletes.column_names))
    touched = {file for file in standing if _holds(files, file.path, changed)}
    arriving = _by_month(upserts, layout)
    removes = []
    with placing(layout, None) as made:
        for month in sorted({file.month for file in touched} | set(arriving), key=lambda month: month or "~"):
            taken = [f for f in standing if f.month == month and (f in touched or f.bytes < SMALL_BYTES)]
            kept = (without(read_file(files, f.path, upserts.schema), changed) for f in taken)
            new = arriving.get(month, upserts.schema.empty_table())
            _place_month(pa.concat_tables([*kept, new], promote_options="permissive"), made, month)
            removes += taken
        return Merged(made.placed, removes)


def _place(rows: pa.Table, made: Placing) -> None:
    for month, part in _by_month(rows, made.layout).items():
        _place_month(part, made, month)


def _by_month(rows: pa.Table, layout: Layout) -> dict[str | None, pa.Table]:
    """Return the rows of each month; all under None where the table is not kept by month."""
    if not rows.num_rows:
        return {}
    if not layout.by_month:
        return {None: rows}
    months = pc.strftime(rows[layout.by_month], format="%Y-%m")
    order = pc.sort_indices(months)
    runs = pc.run_end_encode(months.take(order).combine_chunks())
    cuts = [0, *runs.run_ends.to_pylist()]
    ordered = rows.take(order)
    parts = zip(runs.values.to_pylist(), cuts, cuts[1:], strict=False)
    return {month: ordered.slice(start, end - start) for month, start, end in parts}


def _place_month(rows: pa.Table, made: Placing, month: str | None) -> None:
    if not rows.num_rows:
        return
    if made.layout.sort:
        rows = rows.sort_by([(name, "ascending") for name in made.layout.sort])
    relative = f"{folder_of(month)}/{new_name()}" if made.layout.by_month else new_name()
    local = made.local(relative)
    try:
        group = row_group_rows(rows.num_rows) if made.layout.by_month else MOST_GROUP
        repeated = [f.name for f in rows.schema if pa.types.is_string(f.type) and f.name not in made.layout.sort]
        pq.write_table(
            rows,
            local,
            compression="zstd",
            compression_level=3,
            row_group_size=group,
            # Dictionaries of keys, moments and sums in groups this small took a third of the file.
            use_dictionary=repeated or False,
            store_decimal_as_integer=True,
        )
        made.settle(relative, local, rows.num_rows, month)
    except BaseException:
        local.unlink(missing_ok=True)
        raise


def _spooled(batches: Iterable[pa.RecordBatch], schema: pa.Schema, layout: Layout, folder: Path) -> Iterator[Path]:
    """Yield a file for each month of the stream, in the order of months."""
    writers: dict[str, pq.ParquetWriter] = {}
    try:
        for batch in batches:
            for month, part in _by_month(pa.Table.from_batches([batch]), layout).items():
                name = month or "none"
                if name not in writers:
                    writers[name] = pq.ParquetWriter(folder / name, schema, compression="lz4")
                writers[name].write_table(part.cast(schema))
    finally:
        for writer in writers.values():
            writer.close()
    yield from (folder / name for name in sorted(writers))


def _refuse_repeated(keys: pa.Table) -> None:
    distinct = keys.group_by(keys.column_names).aggregate([]).num_rows
    if distinct != keys.num_rows:
        raise KeysRepeated(
            f"{keys.num_rows - distinct} of {keys.num_rows} rows to be merged repeat a key "
            f"({', '.join(keys.column_names)}); hand in one row a key"
        )


def _holds(files: pafs.FileSystem, path: str, changed: pa.Table) -> bool:
    """Return whether a file has a row with one of the changed keys; reads key columns alone, where they can match."""
    first = changed.column_names[0]
    span = pc.min_max(changed[first])
    with files.open_input_file(path) as file, pq.ParquetFile(file) as parquet:
        number = parquet.schema_arrow.names.index(first)
        for group in range(parquet.num_row_groups):
            told = parquet.metadata.row_group(group).column(number).statistics
            if told is not None and told.has_min_max and _apart(told, span["min"].as_py(), span["max"].as_py()):
                continue
            if pc.any(_among(parquet.read_row_group(group, changed.column_names), changed)).as_py():
                return True
    return False


def _apart(told: pq.Statistics, least: Any, greatest: Any) -> bool:
    if least is None or type(told.min) is not type(least):
        return False
    return bool(told.max < least or told.min > greatest)


def without(rows: pa.Table, changed: pa.Table) -> pa.Table:
    """Return the rows whose key is none of `changed`, which has the columns of the key alone."""
    return rows.filter(pc.invert(_among(rows, changed)))


def _among(rows: pa.Table, changed: pa.Table) -> pa.ChunkedArray:
    """Return for each row whether its key is one of the changed keys."""
    names = changed.column_names
    likely = pc.is_in(rows[names[0]], value_set=changed[names[0]].cast(rows[names[0]].type).combine_chunks())
    if len(names) == 1 or not pc.any(likely).as_py():
        return likely
    keys = rows.select(names).append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    schema = pa.schema([keys.schema.field(name).remove_metadata() for name in names])
    found = keys.join(changed.cast(schema), names, join_type="left semi")["row"]
    return pc.is_in(keys["row"], value_set=found.combine_chunks())
