"""The shop's own database: the contract's curated tables as MySQL has them, and what a real shop keeps beside them.

The columns of `PRIVATE` must never reach the lake; pipeline/pci.py says what becomes of each on the way out. There are
no foreign keys, only indexes: what a key with ON DELETE CASCADE deletes is not written to the binlog, so a reader of
the binlog would never hear of it.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Column, Date, Double, Index, Integer, MetaData, SmallInteger, String, Text
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.mysql import BIGINT, DATETIME
from sqlalchemy.types import Numeric, TypeEngine

from shared.tables import tables_of
from shared.tables.model import Column as ContractColumn
from shared.tables.model import Table
from shared.tables.types import decimal_of

if TYPE_CHECKING:
    from pipeline.mysql.address import Address

MIGRATIONS = Path(__file__).parent / "migrations"
DERIVED = ("customers_history", "products_history")
"""Curated tables that the pipeline makes itself; no source has them."""

_TYPES: Mapping[str, TypeEngine[Any]] = MappingProxyType(
    {
        "SMALLINT": SmallInteger(),
        "INT": Integer(),
        "BIGINT": BIGINT(),
        "DOUBLE": Double(),
        "BOOLEAN": Boolean(create_constraint=False),
        "DATE": Date(),
        # A DATETIME without (6) drops microseconds.
        "TIMESTAMP": DATETIME(fsp=6),
    }
)
_LONG_TEXT = frozenset({"body"})
_EXACT_TEXT: Mapping[str, int] = MappingProxyType({"currency_code": 3, "country": 2, "base_code": 3, "quote_code": 3})

PRIVATE: Mapping[str, Mapping[str, TypeEngine[Any]]] = MappingProxyType(
    {
        "customers": {
            "email": String(254),
            "phone": String(32),
            "address_line1": String(255),
            "address_line2": String(255),
            "postal_code": String(16),
            "date_of_birth": Date(),
            "password_hash": String(255),
        },
        "payments": {
            "card_number": String(32),
            "cvv": String(4),
            "card_expiry": String(7),
            "card_holder": String(255),
            "billing_address_line1": String(255),
            "billing_address_line2": String(255),
            "billing_postal_code": String(16),
        },
        "shipments": {
            "recipient_name": String(255),
            "recipient_phone": String(32),
            "address_line1": String(255),
            "address_line2": String(255),
            "postal_code": String(16),
        },
    }
)
"""Columns that a shop's database has and the contract has not."""


def extractable() -> dict[str, Table]:
    """Return name → table of the contract that a source can have."""
    return {table.name: table for table in tables_of("curated") if table.name not in DERIVED}


def tables() -> MetaData:
    """Return the tables of the shop's database, in the order in which they refer to each other."""
    metadata = MetaData()
    for table in extractable().values():
        _add(metadata, table)
    return metadata


def create(url: str) -> None:
    """Return once the database at `mysql://…` stands at the newest revision of the migrations."""
    from pipeline.mysql.address import Address  # noqa: PLC0415

    bring_up(Address.parse(url))


def bring_up(address: Address) -> None:
    """Return once the database stands at the newest revision. Raises a PlatformError that says why not."""
    from pipeline.mysql.connection import connect  # noqa: PLC0415
    from shared.migrate import run_migrations  # noqa: PLC0415

    connect(address).close()  # its refusals are told with their remedy
    asyncio.run(run_migrations(address.sqlalchemy_url("mysql+asyncmy"), MIGRATIONS))


def statements(address: Address) -> str:
    """Return the statements that `bring_up` would run now."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    from pipeline.mysql.connection import Server  # noqa: PLC0415

    written, version = io.StringIO(), f"alembic_version_{MIGRATIONS.parent.name}"
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["version_table"] = version
    server = Server(address)
    try:
        known = server.rows("list tables", "SHOW TABLES LIKE %s", (version,))
        at = server.rows("read the revision", f"SELECT version_num AS v FROM {version}") if known else []  # noqa: S608
    finally:
        server.close()
    command.upgrade(config, f"{at[0]['v']}:head" if at else "head", sql=True)
    return written.getvalue()


def _add(metadata: MetaData, table: Table) -> None:
    indexed = {*table.key, *(reference.column for reference in table.references)}
    columns = [_column(column, indexed, column.name in table.key) for column in table.business_columns]
    extra = [
        Column(name, kind, nullable=True, comment="Never leaves this database")
        for name, kind in PRIVATE.get(table.name, {}).items()
    ]
    options: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}
    made = SqlTable(table.name, metadata, *columns, *extra, comment=table.description, **options)
    for name in _looked_up(table):
        Index(f"ix_{table.name}_{name}", made.c[name])


def _looked_up(table: Table) -> list[str]:
    """Return the columns that need an index of their own: references, and the date that rows are chosen by."""
    dated = [table.dated_by] if table.dated_by and not table.dated_by.startswith("_") else []
    names = dict.fromkeys([*(reference.column for reference in table.references), *dated])
    return [name for name in names if name != table.key[0]]


def _column(column: ContractColumn, indexed: set[str], is_key: bool) -> Column[Any]:
    kind = _TYPES.get(column.type) or _text_or_decimal(column, indexed)
    return Column(
        column.name,
        kind,
        primary_key=is_key,
        nullable=column.nullable and not is_key,
        autoincrement=False,
        comment=column.description,
    )


def _text_or_decimal(column: ContractColumn, indexed: set[str]) -> TypeEngine[Any]:
    decimal = decimal_of(column.type)
    if decimal is not None:
        return Numeric(*decimal)
    if column.name in indexed or column.choices:
        return String(64)
    if column.name in _LONG_TEXT:
        return Text()
    return String(_EXACT_TEXT.get(column.name, 255))
