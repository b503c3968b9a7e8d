"""Rows held against the rules of their table, in DuckDB: the very rules that a run holds them against.

References are left to the run: what a row refers to may be on its way, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

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


def verdicts(table: Table, columns: Mapping[str, pa.Array], count: int) -> list[Verdict]:
    """Return the verdict on each row, by its place.

    Args:
        table: the contract of the rows.
        columns: values as text, cleaned of card data; columns left out are empty.
        count: how many rows there are.
    """
    empty = pa.nulls(count, pa.string())
    names = [column.name for column in table.business_columns]
    rows = pa.table({INDEX: pa.array(range(count)), **{name: columns.get(name, empty) for name in names}})
    with duckdb.connect(config={"threads": "1", "autoinstall_known_extensions": "false"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register(NAME, rows)
        with work.stoppable(connection.interrupt):
            found = connection.execute(_sql(table)).fetchall()
    keys = len(table.key)
    return [_verdict(row[0], row[1], row[2 : 2 + keys], row[2 + keys :]) for row in found]


def _verdict(index: int, reasons: list[str], key: tuple[str | None, ...], content: tuple[str | None, ...]) -> Verdict:
    return Verdict(index, tuple(reasons), _digest(key), _digest(content))


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
