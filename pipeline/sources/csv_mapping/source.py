"""The source that a mapping describes."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.settings import PipelineSettings
from pipeline.sources.csv_mapping.checking import Checked, check, columns_of, form_of, mappable
from pipeline.sources.csv_mapping.control import controls, mapped_files, recount
from pipeline.sources.csv_mapping.model import TableMapping
from pipeline.sources.csv_mapping.personal import guard, make_known, shielded
from pipeline.sources.csv_mapping.sql import TOKENS, TableSql, tokens_of
from pipeline.sources.files import FileSource, Loaded, Rejected, load
from pipeline.sources.source import SourceUnreadable

NAME = "csv"
MAPPING = "mapping.yaml"
MAX_REJECTED_PCT = 1.0
TOLD_LINES = 5


class TooManyRejected(SourceUnreadable):
    """More lines of a table's files cannot be read than were allowed."""

    reason = "TOO_MANY_REJECTED"


def csv_source(
    folder: Path | None, mapping: Path | None = None, max_rejected: float = MAX_REJECTED_PCT, keys: Path | None = None
) -> FileSource:
    """Return the source that a mapping describes.

    Args:
        folder: where the files are.
        mapping: the mapping file; `mapping.yaml` in the folder when not given.
        max_rejected: most lines of a table's files, in percent, that may be unreadable.
        keys: keys of e-mail, card and address tokens; those of VAR_DIR when not given.

    Raises SourceUnreadable, MappingInvalid.
    """
    if folder is None:
        raise SourceUnreadable(f"source {NAME}: say where the files are with --source-dir")
    path = mapping or folder / MAPPING
    if mapping is None and not path.is_file():
        raise SourceUnreadable(
            f"source {NAME}: no --mapping given and no {MAPPING} in {folder};"
            f" `python -m pipeline csv-suggest {folder} > {path}` proposes one"
        )
    checked = check(path, folder)
    names = [str(file.relative_to(folder)) for files in checked.files.values() for file in files]
    tables = mappable()
    source = checked.mapping.source
    mapped = mapped_files(checked.mapping, checked.files, form_of)
    return FileSource(
        name=source,
        folder=folder,
        # The mapping is a file of the source: another mapping gives other rows.
        files=(*dict.fromkeys(names), str(path.absolute())),
        prepare=(),
        tables={
            name: TableSql(tables[name], table, checked.mapping.time_zone).select(_loaded(name), source)
            for name, table in checked.mapping.tables.items()
        },
        columns={name: _made_of(source, table) for name, table in checked.mapping.tables.items()},
        fill=partial(_fill, checked, max_rejected, keys),
        control=controls(mapped),
        recount=recount(mapped),
    )


def _made_of(source: str, table: TableMapping) -> dict[str, list[tuple[str, str]]]:
    place = f"{source}.{table.file}"
    return {name: [(place, column) for column in columns_of(each)] for name, each in table.columns.items()}


def _loaded(table: str) -> str:
    return f"file_{table}"


def _fill(checked: Checked, max_rejected: float, keys: Path | None, connection: duckdb.DuckDBPyConnection) -> None:
    mapped = [each for table in checked.mapping.tables.values() for each in table.columns.values()]
    tokenised = any(each.kind in TOKENS for each in mapped)
    make_known(connection, (keys or _keys()) if tokenised else None)
    for name, table in checked.mapping.tables.items():
        files = checked.files[name]
        plain = _plain(table)
        loaded = load(
            connection, _loaded(name), files, form_of(table), keep=plain, value=shielded, made=tokens_of(table)
        )
        _few_enough(table.file, loaded, max_rejected)
        guard(connection, _loaded(name), table.file, loaded.columns)
        _note(connection, _loaded(name), loaded.rejected)


def _keys() -> Path:
    return PipelineSettings().tokenisation_keys


def _plain(table: TableMapping) -> frozenset[str]:
    """Return the columns that are loaded; what is tokenised or ignored is not, as DuckDB may spill to disk."""
    return frozenset(name for each in table.columns.values() if each.kind not in TOKENS for name in columns_of(each))


def _few_enough(file: str, loaded: Loaded, max_rejected: float) -> None:
    lines, broken = loaded.rows + len(loaded.rejected), len(loaded.rejected)
    if broken * 100 <= max_rejected * lines:
        return
    reasons = ", ".join(
        f"{count:,} {reason}" for reason, count in Counter(r.reason for r in loaded.rejected).most_common()
    )
    first = ", ".join(f"{each.file}:{each.line}" for each in loaded.rejected[:TOLD_LINES])
    raise TooManyRejected(
        f"{file}: {broken:,} of {lines:,} lines cannot be read ({reasons}; the first: {first}), more than"
        f" {max_rejected:g} %; look at them, set delimiter and encoding in the mapping, or allow more with"
        " --max-rejected. Nothing was taken"
    )


def _note(connection: duckdb.DuckDBPyConnection, loaded: str, rejected: tuple[Rejected, ...]) -> None:
    table = pa.table(
        {
            "_file": pa.array([each.file for each in rejected], pa.string()),
            "_row": pa.array([each.line for each in rejected], pa.int64()),
            "reason": pa.array([each.reason for each in rejected], pa.string()),
        }
    )
    connection.register("noted", table)
    connection.execute(f"CREATE TEMP TABLE {loaded}_rejected AS FROM noted")
    connection.unregister("noted")
