"""Any file as records: a header, and rows of text with their place, or None for one that cannot be read."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, cast

import duckdb

from pipeline.sources.files.formats import FileFormat, delimiter_of, encoding_of, kind_of
from pipeline.sources.recount import csv_text, workbook
from pipeline.sources.recount.csv_text import Row

AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """A file, or a sheet of a workbook."""

    name: str
    header: tuple[str, ...]
    rows: Iterator[Row]


def parts(path: Path, form: FileFormat) -> Iterator[Part]:
    """Yield what a file holds: one part, but for a workbook of several sheets. Raises OSError, ValueError."""
    yield from {"csv": _csv, "jsonl": _jsonl, "xlsx": _xlsx, "parquet": _parquet}[kind_of(path) or "csv"](path, form)


def _csv(path: Path, form: FileFormat) -> Iterator[Part]:
    encoding = form.encoding or encoding_of(path)
    with _opened(path, encoding) as first:
        delimiter = form.delimiter or delimiter_of(next(iter(first), ""))
    with _opened(path, encoding) as text:
        rows = csv_text.rows(text, delimiter)
        header = next((fields for _, fields in rows if fields is not None), ())
        yield Part(path.name, tuple(name.removeprefix("\ufeff").strip() for name in header), rows)


def _opened(path: Path, encoding: str) -> io.TextIOWrapper:
    plain = not path.name.lower().endswith(".gz")
    raw = path.open("rb") if plain else cast("IO[bytes]", gzip.open(path, "rb"))  # noqa: SIM115  the wrapper closes it
    # Bytes that are no text come as lone surrogates.
    return io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="")


def _jsonl(path: Path, form: FileFormat) -> Iterator[Part]:
    encoding = form.encoding or encoding_of(path)
    with _opened(path, encoding) as text:
        header = tuple(dict.fromkeys(name for _, found in _objects(text) for name in found or ()))

    def row(found: dict[str, object] | None) -> list[str] | None:
        return None if found is None else [_plain(found.get(name)) for name in header]

    with _opened(path, encoding) as text:
        yield Part(path.name, header, ((number, row(found)) for number, found in _objects(text)))


def _objects(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, object] | None]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            line.encode()
            found = json.loads(line, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            found = None
        yield number, found if isinstance(found, dict) else None


def _xlsx(path: Path, form: FileFormat) -> Iterator[Part]:
    first: tuple[str, ...] = ()
    for name, rows in workbook.sheets(path):
        if form.sheet and name != form.sheet:
            continue
        _, top = next(rows, (0, {}))
        header = tuple(text.strip() for text in top.values())
        first = first or header
        if header and header == first:
            places = tuple(top)
            yield Part(f"{path.name}#{name}", header, ((n, [cells.get(at, "") for at in places]) for n, cells in rows))


def _parquet(path: Path, form: FileFormat) -> Iterator[Part]:
    del form
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = true")
        found = connection.execute("FROM read_parquet(?)", [str(path)])
        yield Part(path.name, tuple(name for name, *_ in found.description or ()), _fetched(found))


def _fetched(found: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    number = 0
    while rows := found.fetchmany(AT_ONCE):
        for row in rows:
            yield number, [_plain(value) for value in row]
            number += 1


def _plain(value: object) -> str:
    """Return a value as text: whole numbers without a point, moments in ISO 8601."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return "true" if value is True else "false" if value is False else str(value)


def column(header: Sequence[str], names: Sequence[str]) -> int:
    """Return the place of the column of one of these names, in whatever case. Raises ValueError."""
    folded = [each.strip().lower() for each in header]
    found = next((name for name in names if name.lower() in folded), None)
    if found is None:
        raise ValueError(f"no column {names[0]}")
    return folded.index(found.lower())
