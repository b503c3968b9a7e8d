"""Any file as rows of text: a header, then batches of string columns with each row's place in the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.sources.files.csv_records import BAD_ENCODING, Reject, csv_records
from pipeline.sources.files.formats import FileFormat, delimiter_of, encoding_of, kind_of, text_lines
from pipeline.sources.source import SourceUnreadable

ROW = "_row"
BATCH_ROWS = 20_000
BAD_JSON = "bad_json"
TAKEN = ("_file", ROW)
Numbered = Iterator[tuple[int, list[str]]]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that could not be read: where and why, never what it said."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class TextRows:
    """One file (or sheet): its header, and its rows once they are iterated; broken lines go to `reject` then."""

    name: str
    header: tuple[str, ...]
    batches: Iterator[pa.Table]


def open_rows(path: Path, form: FileFormat, reject: Callable[[Rejected], None]) -> Iterator[TextRows]:
    """Yield the tables of a file: one, but for a workbook with several sheets. Raises SourceUnreadable."""

    def tell(line: int, reason: str) -> None:
        reject(Rejected(path.name, line, reason))

    kind = kind_of(path)
    if kind is None:
        raise SourceUnreadable(f"{path} is of no known kind; there are .csv, .csv.gz, .jsonl, .xlsx and .parquet")
    yield from {"csv": _csv, "jsonl": _jsonl, "xlsx": _xlsx, "parquet": _parquet}[kind](path, form, tell)


def _csv(path: Path, form: FileFormat, reject: Reject) -> Iterator[TextRows]:
    encoding = form.encoding or encoding_of(path)
    try:
        first = next(text_lines(path, encoding), "")
        delimiter = form.delimiter or delimiter_of(first)
        records = csv_records(text_lines(path, encoding), delimiter, reject)
        _, header = next(records, (0, []))
        names = _header(path, [name.removeprefix("\ufeff").strip() for name in header])
        yield TextRows(path.name, names, _batched(names, records))
    except (LookupError, EOFError, OSError, UnicodeError) as error:
        raise SourceUnreadable(f"{path} cannot be read as {encoding}: {type(error).__name__}; is it whole?") from error


def _jsonl(path: Path, form: FileFormat, reject: Reject) -> Iterator[TextRows]:
    encoding = form.encoding or encoding_of(path)
    names: dict[str, None] = {}
    for _, found in _objects(path, encoding, lambda *_: None):
        names.update(dict.fromkeys(found))
    header = _header(path, list(names))
    rows = ((n, [_text(found.get(name, "")) for name in header]) for n, found in _objects(path, encoding, reject))
    yield TextRows(path.name, header, _batched(header, rows))


def _objects(path: Path, encoding: str, reject: Reject) -> Iterator[tuple[int, dict[str, object]]]:
    for number, line in enumerate(text_lines(path, encoding), 1):
        if not line.strip():
            continue
        try:
            line.encode()
            # Numbers stay as they are written: a float would change money.
            found = json.loads(line, parse_float=str, parse_int=str)
        except UnicodeEncodeError:
            reject(number, BAD_ENCODING)
            continue
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            yield number, found
        else:
            reject(number, BAD_JSON)


def _xlsx(path: Path, form: FileFormat, reject: Reject) -> Iterator[TextRows]:
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415  only for workbooks

    try:
        workbook = CalamineWorkbook.from_path(path)
        if form.sheet and form.sheet not in workbook.sheet_names:
            raise SourceUnreadable(f"{path} has no sheet {form.sheet!r}; it has {', '.join(workbook.sheet_names)}")
        sheets = [form.sheet] if form.sheet else workbook.sheet_names
        first: tuple[str, ...] = ()
        for name in sheets:
            sheet = workbook.get_sheet_by_name(name)
            top = (sheet.start or (0, 0))[0] + 1
            cells = sheet.iter_rows()
            header = tuple(_text(cell).strip() for cell in next(cells, []))
            first = first or header
            if header and header == first:
                numbered = ((top + nth, [_text(cell) for cell in row]) for nth, row in enumerate(cells, 1))
                filled = ((number, row) for number, row in numbered if any(row))
                yield TextRows(f"{path.name}#{name}", _header(path, list(header)), _batched(header, filled))
    except CalamineError as error:
        raise SourceUnreadable(f"{path} is no readable workbook; save it as .xlsx again") from error


def _parquet(path: Path, form: FileFormat, reject: Reject) -> Iterator[TextRows]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceUnreadable(f"{path} is no readable Parquet file; is it whole?") from error
    header = _header(path, file.schema_arrow.names)

    def batches() -> Iterator[pa.Table]:
        row = 0
        for batch in file.iter_batches(BATCH_ROWS):
            columns = [_as_text(column) for column in batch.columns]
            numbers = pa.array(range(row, row + batch.num_rows), pa.int64())
            row += batch.num_rows
            yield pa.table([*columns, numbers], names=[*header, ROW])

    yield TextRows(path.name, header, batches())


def _batched(names: tuple[str, ...], rows: Numbered) -> Iterator[pa.Table]:
    while chunk := list(islice(rows, BATCH_ROWS)):
        columns = [pa.array(column, pa.string()) for column in zip(*(fields for _, fields in chunk), strict=True)]
        yield pa.table([*columns, pa.array([number for number, _ in chunk], pa.int64())], names=[*names, ROW])


def _header(path: Path, names: list[str]) -> tuple[str, ...]:
    if not names:
        raise SourceUnreadable(f"{path} is empty; it needs a header line with the names of its columns")
    folded = [name.lower() for name in names]
    wrong = sorted({name or "(no name)" for name in names if folded.count(name.lower()) > 1 or name.lower() in TAKEN})
    if wrong or "" in names:
        raise SourceUnreadable(f"{path}: column names are missing or doubled: {', '.join(wrong) or '(no name)'}")
    return tuple(names)


def _as_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
    if pa.types.is_nested(kind) or pa.types.is_floating(kind) or pa.types.is_binary(kind):
        return pa.array([None if value is None else _text(value) for value in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _text(value: object) -> str:
    """Return a cell as text: whole numbers without a point, moments in ISO 8601, what is nested as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | int):
        return str(value)
    return json.dumps(value, default=str)
