"""Rows chosen to part the engines: what cannot be cast, ties, nothing at all, edges of decimals and of days."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from shared.tables import CONTRACT, Column, Table
from shared.tables.types import arrow_type, decimal_of

ROWS = 60
IDS = tuple(str(n) for n in range(1, 13))
BORDERS = (
    datetime(2017, 6, 30, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2017, 7, 1, tzinfo=UTC),
    datetime(2016, 2, 29, 12, 0, tzinfo=UTC),
    datetime(2017, 12, 31, 23, 59, 59, tzinfo=UTC),
)
NUMBERS = (
    "0", "-0", "1", "-1", "+7", " 7 ", "1.0", "1.5", "-1.7", "0.005", "0.015", "1.005", "1e3", "1_000", "0x10", "1,5",
    "", " ", "abc", "NaN", "inf", "32767", "32768", "2147483648", "9223372036854775808", "9999999999999999.994",
    "9999999999999999.995", "99999999999999999999", "100", "4.99", "5", "180", "-181", "1d", "５",
)  # fmt: skip
MOMENTS = (
    "2017-06-30", "2017-6-3", " 2017-07-01 ", "2017-02-29", "2016-02-29", "2017-06-30T23:59:59.999999Z",
    "2017-06-30 23:59:59.9999999", "2017-07-01 00:00:00+02:00", "2017-06-30 24:00:00", "2017-06-30 10", "2017-06",
    "2017", "10:00:00", "epoch", "infinity", "now", "0000-00-00", "0001-01-01", "9999-12-31 23:59:59", "20170630",
    "06/30/2017", "",
)  # fmt: skip
FLAGS = ("true", "FALSE", "t", "n", "yes", "1", "0", "on", "2", "", " true ")
TEXTS = (
    "1",
    "2",
    "x",
    "",
    " ",
    "US",
    "USD",
    "us",
    "Ünïcode 😀",
    "a\nb",
    "'quoted\"",
    "\\d",
    "4111 1111 1111 1111",
    "%_",
)


def raw_text(table: Table) -> pa.Table:
    """Return raw rows as text, a good many of them broken in every way; position says which is which."""
    rng = random.Random(f"text {table.name}")
    rows = [{column.name: _text(rng, column) for column in table.business_columns} for _ in range(ROWS)]
    schema = pa.schema([(column.name, pa.string()) for column in table.business_columns])
    return placed(pa.Table.from_pylist(rows, schema))


def raw_typed(table: Table) -> pa.Table:
    """Return raw rows as a source with types of its own has them: floats for money, long integers, naive times."""
    rng = random.Random(f"typed {table.name}")
    columns = {c.name: pa.array([_typed(rng, c) for _ in range(ROWS)], _loose(c)) for c in table.business_columns}
    return placed(pa.table(columns))


def placed(rows: pa.Table) -> pa.Table:
    """Return the rows with where they came from."""
    places = [f"batch/{n:012}" for n in range(rows.num_rows)]
    return rows.append_column("_source", pa.array(["nasty"] * rows.num_rows)).append_column(
        "_source_position", pa.array(places)
    )


def curated(table: Table, rows: int = 240) -> pa.Table:
    """Return rows in the contract's types with ids that meet, ties, empty columns and moments at borders of days."""
    rng = random.Random(f"curated {table.name}")
    made: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number in range(rows):
        row = {column.name: _good(rng, table, column, number) for column in table.columns}
        made[tuple(row[name] for name in table.key)] = row
    return pa.Table.from_pylist(list(made.values()), table.arrow_schema())


def references_of(table: Table) -> dict[str, pa.Table]:
    """Return for each table referred to some rows; a few that are pointed to are not there."""
    named = {reference.table for reference in table.references}
    return {name: curated(CONTRACT[name]).slice(0, 200) for name in named}


def _text(rng: random.Random, column: Column) -> str | None:
    if rng.random() < 0.08:
        return None
    if rng.random() < 0.5:
        value = _plain(rng, column)
        return value.isoformat() if isinstance(value, date) else str(value)
    if column.type in ("DATE", "TIMESTAMP"):
        return rng.choice(MOMENTS)
    if column.type == "BOOLEAN":
        return rng.choice(FLAGS)
    return rng.choice(TEXTS if column.type == "VARCHAR" else NUMBERS)


def _loose(column: Column) -> pa.DataType:
    if decimal_of(column.type):
        return pa.float64()
    kinds = {
        "SMALLINT": pa.float64(),
        "INT": pa.int64(),
        "TIMESTAMP": pa.timestamp("us"),
        "DATE": pa.timestamp("us", "UTC"),
    }
    return kinds.get(column.type, arrow_type(column.type))


def _typed(rng: random.Random, column: Column) -> Any:
    if rng.random() < 0.08:
        return None
    if decimal_of(column.type) or column.type in ("DOUBLE", "SMALLINT"):
        return rng.choice([0.0, 0.005, 1.005, 2.675, 2.5, -1.7, 7.0, 1e17, float("nan"), float("inf"), 99.99, 4e5])
    if column.type in ("INT", "BIGINT"):
        return rng.choice([0, 1, -1, 2**31, 2**31 - 1, 40_000, 2**62])
    value = _plain(rng, column)
    if column.type == "TIMESTAMP":
        return value.replace(tzinfo=None)
    return rng.choice(BORDERS) if column.type == "DATE" else value


def _good(rng: random.Random, table: Table, column: Column, number: int) -> Any:
    if column.name.startswith("model_") or (column.nullable and rng.random() < 0.15):
        return None
    if table.key == (column.name,) and column.type == "VARCHAR":
        return str(number + 1)
    return _plain(rng, column)


def _plain(rng: random.Random, column: Column) -> Any:
    """Return a value that its type holds; few different ones, so that many rows tie."""
    if column.choices:
        return rng.choice(column.choices)
    if digits := decimal_of(column.type):
        cents = rng.choice([0, 1, 5, 995, 1000, 1005, 333, 10 ** (digits[0] - 6) - 1, rng.randrange(30_000)])
        return Decimal(cents).scaleb(-digits[1])
    if column.type in ("SMALLINT", "INT", "BIGINT"):
        return rng.choice([0, 1, 2, 3, 5, 7])
    if column.type == "DOUBLE":
        return rng.choice([0.0, 0.1, 0.3, 1 / 3, 1.0, 2.5, 100.0])
    if column.type == "BOOLEAN":
        return rng.random() < 0.5
    moment = rng.choice([*BORDERS, BORDERS[0] - timedelta(days=rng.randrange(200), seconds=rng.randrange(86_400))])
    if column.type in ("DATE", "TIMESTAMP"):
        return moment.date() if column.type == "DATE" else moment
    if column.name.endswith("country") or column.name.endswith("_code"):
        return rng.choice(["US", "DE"]) if column.name.endswith("country") else "USD"
    return rng.choice(IDS)
