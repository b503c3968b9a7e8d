"""A shop's database under test: what it holds, and what raw says that it holds."""

# ruff: noqa: E501  statements and samples as they are written

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pymysql
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateTable

from pipeline.mysql.address import Address
from pipeline.mysql.extraction import Extracted, Extraction, Plan
from pipeline.mysql.schema import extractable, tables
from pipeline.raw import RawZone
from shared.tokenise import Tokeniser
from tests.integration.mysql.server import Server

SOURCE = "mysql-shop"
SERIES = (
    "(WITH RECURSIVE numbers (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM numbers WHERE seq < {rows})"
    " SELECT seq FROM numbers) AS series"
)
ORDER = (
    "INSERT INTO orders (order_id, customer_id, ordered_at, status, channel, country, currency_code, subtotal, discount,"
    " shipping, tax, total) SELECT concat('{prefix}', seq), concat('c', seq % 50), '2017-01-31 23:59:59.123456' + INTERVAL"
    " seq SECOND, 'paid', 'online', 'US', 'USD', 10 + seq / 100, 0, 0, 0, 10 + seq / 100 FROM " + SERIES
)
LINE = (
    "INSERT INTO order_items (order_id, line_number, product_id, quantity, unit_price, discount, line_total,"
    " currency_code) SELECT concat('{prefix}', 1 + (seq - 1) DIV 3), 1 + (seq - 1) % 3, concat('p', seq % 7), 1, 1.2345,"
    " 0, 1.23, 'USD' FROM " + SERIES
)
PAYMENT = (
    "INSERT INTO payments (payment_id, order_id, method, amount, currency_code, status, authorized_at, card_number, cvv)"
    " VALUES (%s, %s, 'card', 10.00, 'USD', 'captured', '2017-01-31 23:59:59.000001', %s, %s)"
)


@dataclass
class Shop:
    server: Server
    database: str
    folder: Path
    connection: pymysql.Connection

    @classmethod
    @contextmanager
    def new(
        cls,
        server: Server,
        database: str,
        folder: Path,
        only: Iterable[str] = ("customers", "orders", "order_items", "payments", "reviews"),
    ) -> Iterator[Shop]:
        with server.root() as root, root.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb4")
        connection = server.root(database)
        made = cls(server, database, folder, connection)
        for name in only:
            made.run(str(CreateTable(tables().tables[name]).compile(dialect=mysql.dialect())).replace("%%", "%"))
        yield made
        if connection.open:
            connection.close()

    @property
    def zone(self) -> RawZone:
        return RawZone.at(self.folder / "raw")

    def run(self, *statements: str, values: Iterable[Any] | None = None) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, values)
            return list(cursor.fetchall())

    def many(self, statement: str, values: list[tuple[Any, ...]]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(statement, values)

    def orders(self, rows: int, prefix: str = "o") -> None:
        self.run(ORDER.format(prefix=prefix, rows=rows))

    def lines(self, rows: int, prefix: str = "o") -> None:
        self.run(LINE.format(prefix=prefix, rows=rows))

    def extraction(self, stopping: Any = lambda: False, **plan: Any) -> Extraction:
        url = self.server.url(self.database)
        tokeniser = Tokeniser.load(self.folder / "secrets" / "keys.json")
        return Extraction(self.zone, Address.parse(url), Plan(SOURCE, **plan), tokeniser, stopping)

    def extract(self, **plan: Any) -> Extracted:
        extraction = self.extraction(**plan)
        try:
            return extraction.once()
        finally:
            extraction.close()

    def raw(self, table: str, columns: str = "*", where: str = "true") -> list[dict[str, Any]]:
        """Return all raw rows of a table that count, in the order of their positions."""
        files = [file.uri for file in self.zone.files(table, SOURCE)]
        if not files:
            return []
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            sql = f"SELECT {columns} FROM read_parquet({files!r}, union_by_name = true) WHERE {where}"
            return connection.execute(sql + " ORDER BY _source_position").to_arrow_table().to_pylist()

    def replayed(self, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return key → row as raw says: the latest of each key, unless it was deleted."""
        latest: dict[tuple[Any, ...], dict[str, Any]] = {}
        rows = self.raw(table)
        positions = [row["_source_position"] for row in rows]
        assert len(positions) == len(set(positions)), "two raw rows stand at one position"
        for row in rows:
            latest[tuple(row[name] for name in extractable()[table].key)] = row
        return {key: plain(row) for key, row in latest.items() if row["_op"] != "D"}

    def held(self, table: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Return key → row as the database says, without the columns that stay there."""
        contract = extractable()[table]
        names = [column.name for column in contract.business_columns]
        rows = self.run(f"SELECT {', '.join(names)} FROM {table}")
        booleans = {column.name for column in contract.columns if column.type == "BOOLEAN"}
        found = [
            {n: bool(v) if n in booleans and v is not None else v for n, v in zip(names, row, strict=True)}
            for row in rows
        ]
        return {tuple(row[name] for name in contract.key): row for row in found}

    def assert_same(self, *names: str) -> None:
        for table in names:
            held, replayed = self.held(table), self.replayed(table)
            made = {"card_token", "card_bin", "card_last4", "card_brand", "email_masked", "email_hmac"}
            compared = {
                key: {n: row.get(n) for n in held[key] if n not in made} if key in held else row
                for key, row in replayed.items()
            }
            expected = {key: {n: v for n, v in row.items() if n not in made} for key, row in held.items()}
            assert compared == expected

    def everything_written(self) -> bytes:
        """Return all bytes below the folder, those of Parquet files decompressed."""
        found = []
        for path in self.folder.rglob("*"):
            if path.is_file() and "own" not in path.parts:
                found.append(path.read_bytes())
                if path.suffix == ".parquet":
                    found.append(repr(pq.read_table(path).to_pydict()).encode())
        return b"\n".join(found)


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a raw row's values as pymysql gives them."""
    return {
        name: value.replace(tzinfo=None) if isinstance(value, datetime) else value
        for name, value in row.items()
        if not name.startswith("_")
    }
