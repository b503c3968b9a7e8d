"""Rows held against the rules of their table, in DuckDB: the very rules that a run holds them against.

References are left to the run: what a row refers to may be on its way, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any

import duckdb
import ibis
import pyarrow as pa

from shared import work
from shared.tables import Table
from shared.tables.validation import REASONS, checked

NAME = "ingested"
DIGEST_BYTES = 16
INDEX = "index__"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one row is: broken rules, or who it is and what it holds."""

    index: int
    reasons: tuple[str, ...]
    identity: bytes
    content: bytes
    key: tuple[str | None, ...] = ()
    """The values of its key, as cast, as text."""
    region: str | None = None
    """Whose row it is, in a table that says so."""


def verdicts(table: Table, columns: Mapping[str, pa.Array], count: int) -> list[Verdict]:
    """Return the verdict on each row, by its place.

    Args:
        table: the contract of the rows.
        columns: values as text, cleaned of card data; columns left out are empty.
        count: how many rows there are.
    """
    empty = pa.nulls(count, pa.string())
    names = _names(table)
    rows = pa.table({INDEX: pa.array(range(count)), **{name: columns.get(name, empty) for name in names}})
    with duckdb.connect(config={"threads": "1", "autoinstall_known_extensions": "false"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register(NAME, rows)
        with work.stoppable(connection.interrupt):
            found = connection.execute(_sql(table)).fetchall()
    return [_verdict(table, row) for row in found]


def _verdict(table: Table, row: tuple[Any, ...]) -> Verdict:
    index, reasons, key, content = row[0], row[1], row[2 : 2 + len(table.key)], row[2 + len(table.key) :]
    region = content[_names(table).index(table.region_column)] if table.region_column else None
    return Verdict(index, tuple(reasons), _digest(key), _digest(content), key, region)


def _names(table: Table) -> list[str]:
    return [column.name for column in table.business_columns]


def _digest(values: tuple[str | None, ...]) -> bytes:
    return blake2b(repr(values).encode(), digest_size=DIGEST_BYTES).digest()


@cache
def _sql(table: Table) -> str:
    """Return the statement that checks rows of a table: place, broken rules, key and content as cast, as text."""
    kinds = {INDEX: "int64", **{column.name: "string" for column in table.business_columns}}
    rows = checked(table, ibis.table(kinds, name=NAME), {}, keep=(INDEX,))
    content = {f"c{n}": rows[column.name].cast("string") for n, column in enumerate(table.business_columns)}
    key = {f"k{n}": rows[name].cast("string") for n, name in enumerate(table.key)}
    ordered = rows.select(INDEX, REASONS, **key, **content).order_by(INDEX)
    return str(ibis.to_sql(ordered, dialect="duckdb"))


@cache
def told(table: Table, rule: str) -> str:
    """Return what a rule asks for, in words."""
    for declared in table.rules:
        if declared.name == rule:
            return declared.description
    kind, _, name = rule.partition("_")
    if rule.startswith("not_null_"):
        return f"{rule.removeprefix('not_null_')} must be given"
    column = next((each for each in table.business_columns if each.name == name), None)
    if column is not None and kind == "castable":
        return f"{name} must be {column.type}"
    if column is not None and kind == "choice":
        return f"{name} must be one of {', '.join(column.choices)}"
    return f"the row breaks the rule {rule}"
