"""A mapping held against the contract and against the files, before a row is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.sources.csv_mapping.document import Document, MappingInvalid, Problem, read_document
from pipeline.sources.csv_mapping.expressions import Expression, ExpressionRefused
from pipeline.sources.csv_mapping.model import ALL, ColumnMapping, FileMapping, TableMapping
from pipeline.sources.csv_mapping.personal import refusal
from pipeline.sources.files import FileFormat, kind_of, open_rows
from shared.tables import Column, Table, tables_of

TARGETS = {
    "email": ("email_masked", "email_hmac"),
    "card": ("card_token", "card_bin", "card_last4", "card_brand"),
    "address": ("address_hmac", "billing_address_hmac"),
}
WHOLE = ("SMALLINT", "INT", "BIGINT")
TODO = "TODO"


@dataclass(frozen=True, slots=True)
class Checked:
    """A mapping without problems, and the files of each of its tables."""

    mapping: FileMapping
    files: dict[str, tuple[Path, ...]]


def mappable() -> dict[str, Table]:
    """Return the tables of the contract that a source can give."""
    return {table.name: table for table in tables_of("curated") if not table.name.endswith("_history")}


def read_mapping(path: Path) -> tuple[Document, FileMapping]:
    """Return a mapping that holds against the contract. Raises MappingInvalid with every problem found."""
    document = read_document(path)
    try:
        mapping = FileMapping.model_validate(document.content)
    except ValidationError as error:
        problems = [_shape_problem(document, each) for each in error.errors()]
        raise MappingInvalid(path, [*document.problems, *problems]) from None
    problems = [*document.problems, *_contract_problems(document, mapping)]
    if problems:
        raise MappingInvalid(path, problems)
    return document, mapping


def check(path: Path, folder: Path) -> Checked:
    """Return a mapping that holds against the contract and the files of `folder`. Raises MappingInvalid."""
    document, mapping = read_mapping(path)
    problems: list[Problem] = []
    files: dict[str, tuple[Path, ...]] = {}
    for name, table in mapping.tables.items():
        files[name] = found = _files(folder, table.file)
        if not found:
            there = (
                ", ".join(sorted(each.name for each in folder.iterdir() if kind_of(each))) if folder.is_dir() else ""
            )
            wrong = f"no file {table.file!r} in {folder}; files there: {there or 'none'}"
            problems.append(document.problem(("tables", name, "file"), wrong))
        for file in found:
            problems += _header_problems(document, name, table, file)
    if problems:
        raise MappingInvalid(path, problems)
    return Checked(mapping, files)


def columns_of(mapped: ColumnMapping) -> tuple[str, ...]:
    """Return the columns of the file that a column of the contract is made from."""
    if mapped.expr is not None:
        expression = Expression(mapped.expr, lambda name: name, lambda text: text)
        expression.sql()
        return tuple(expression.columns)
    return tuple(name for name in (mapped.column, mapped.email, mapped.card, mapped.nth_in, *mapped.address) if name)


def form_of(table: TableMapping) -> FileFormat:
    """Return how a table's files are written."""
    return FileFormat(table.encoding, table.delimiter.replace("\\t", "\t"), table.sheet)


def _files(folder: Path, pattern: str) -> tuple[Path, ...]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts or not folder.is_dir():
        return ()
    try:
        return tuple(sorted(path for path in folder.glob(pattern) if path.is_file()))
    except ValueError:  # no pattern, such as an empty one
        return ()


def _shape_problem(document: Document, error: Any) -> Problem:
    key = [str(part) for part in error["loc"]]
    known = {"extra_forbidden": "is no key here"}
    told = known.get(error["type"], error["msg"].removeprefix("Value error, "))
    if error["type"] == "extra_forbidden":
        names = {2: TableMapping, 3: TableMapping}.get(len(key) - 1, FileMapping if len(key) == 1 else ColumnMapping)
        fields = [field.alias or name for name, field in names.model_fields.items()]
        told += f"{_nearest(key[-1], fields)}; there are {', '.join(fields)}"
    elif error["type"] == "missing":
        told = "is missing; add it"
    return document.problem(key, told)


def _contract_problems(document: Document, mapping: FileMapping) -> Iterator[Problem]:
    from pipeline.sources import KNOWN  # noqa: PLC0415  which names this source among others

    known = mappable()
    if mapping.source in set(KNOWN) - {"csv"}:
        yield document.problem(("source",), f"{mapping.source} is a source of its own; give yours another name")
    for name, table in mapping.tables.items():
        key = ("tables", name)
        if name not in known:
            yield document.problem(key, f"no such table{_nearest(name, known)}; there are {', '.join(known)}")
            continue
        contract = known[name]
        columns = {column.name: column for column in contract.business_columns}
        for target, mapped in table.columns.items():
            place = (*key, "columns", target)
            if target not in columns:
                there = f"{_nearest(target, columns)}; {name} has {', '.join(columns)}"
                yield document.problem(place, f"no such column of {name}{there}")
                continue
            yield from _column_problems(document, place, columns[target], mapped)
        missing = [c for c in columns.values() if not c.nullable and c.name not in table.columns]
        for column in missing:
            yield document.problem(
                (*key, "columns"),
                f"{name} needs {column.name} ({column.description}); map it to a column, or give {{const: …}}",
            )


def _column_problems(
    document: Document, place: Sequence[str], column: Column, mapped: ColumnMapping
) -> Iterator[Problem]:
    targets = TARGETS.get(mapped.kind)
    if targets and column.name not in targets:
        yield document.problem(place, f"{{{mapped.kind}: …}} is for {', '.join(targets)} alone")
    if mapped.nth_in and column.type not in WHOLE:
        yield document.problem(place, "{nth_in: …} is for whole numbers such as line_number")
    if mapped.expr is not None:
        try:
            columns_of(mapped)
        except ExpressionRefused as error:
            yield document.problem((*place, "expr"), str(error))
            return
    for where, value in (
        ("const", mapped.const),
        ("default", mapped.default),
        *((("map"), v) for v in mapped.values.values()),
    ):
        if value and TODO in value:
            yield document.problem((*place, where), "still says TODO; decide it")
        elif value is not None and column.choices and value not in column.choices:
            near = _nearest(value, column.choices)
            yield document.problem(
                (*place, where), f"{value!r} is no {column.name}{near}; there are {', '.join(column.choices)}"
            )
    for name in columns_of(mapped) if mapped.kind in ("column", "expr") else ():
        if TODO in name:
            yield document.problem(place, "still says TODO; name a column of the file or delete the line")
        elif told := refusal(name):
            yield document.problem(place, told)
    for name in columns_of(mapped) if mapped.kind in ("email", "card", "address") else ():
        if "security code" in refusal(name):
            yield document.problem(place, refusal(name))


def _header_problems(document: Document, name: str, table: TableMapping, file: Path) -> Iterator[Problem]:
    header = next(open_rows(file, form_of(table), lambda _: None)).header
    used: set[str] = set()
    for target, mapped in table.columns.items():
        columns = columns_of(mapped)
        used.update(columns)
        for column in columns:
            if column not in header:
                there = f"{_nearest(column, header)}; it has {', '.join(header)}"
                yield document.problem(
                    ("tables", name, "columns", target), f"{file.name} has no column {column!r}{there}"
                )
    if ALL in table.ignore:
        return
    forgotten = [column for column in header if column not in used and column not in table.ignore]
    if forgotten:
        told = f"{file.name} has columns neither mapped nor ignored: {', '.join(forgotten)}; map them or list them"
        yield document.problem(("tables", name, "ignore"), f'{told} under `ignore` (`ignore: "*"` for all)')


def _nearest(name: str, known: Any) -> str:
    folded = {str(each).lower(): str(each) for each in known}
    found = get_close_matches(name.lower(), folded, 1, 0.6)
    return f", did you mean {folded[found[0]]}?" if found else ""
