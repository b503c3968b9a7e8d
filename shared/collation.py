"""Text that a MySQL-family database compares as Python and SQLite do: by its letters, not by what resembles them.

By default these databases take `admina` and `àdmìna` for one text, and some a trailing space for none: whatever is
looked up by one spelling and checked in Python by another slips through. A table that a migration makes from now on
takes `mysql_collate=exact_collation(op.get_bind())`; the tests of each store's migrations demand it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, inspect, text

References = Mapping[str, Mapping[str, str]]


def exact_collation(connection: Connection) -> str | None:
    """Return the collation that compares code points and pads nothing; None where the database always does (SQLite)."""
    if connection.dialect.name != "mysql":
        return None
    # MariaDB 10.2 and later, MySQL 8.0.17 and later: neither knows the other's.
    return "utf8mb4_nopad_bin" if getattr(connection.dialect, "is_mariadb", False) else "utf8mb4_0900_bin"


def compare_exactly(connection: Connection, tables: References) -> None:
    """Convert existing tables to the exact collation; nothing on SQLite. It may be done again where it was broken off.

    Args:
        connection: to the database.
        tables: by name, which columns refer to the id of which table, with deletes that cascade.
    """
    collation = exact_collation(connection)
    if collation is not None:
        _convert(connection, tables, "utf8mb4", collation)


def compare_by_default(connection: Connection, tables: References) -> None:
    """Convert tables to the database's own collation; it refuses rows whose keys are then the same."""
    if connection.dialect.name == "mysql":
        charset, collation = connection.execute(text("SELECT @@character_set_database, @@collation_database")).one()
        _convert(connection, tables, charset, collation)


def _convert(connection: Connection, tables: References, charset: str, collation: str) -> None:
    """Convert tables without their foreign keys: MariaDB changes no column of one, whether it checks them or not."""
    for table in tables:
        for found in inspect(connection).get_foreign_keys(table):
            connection.execute(text(f"ALTER TABLE {table} DROP FOREIGN KEY {found['name']}"))
    for table in tables:
        connection.execute(text(f"ALTER TABLE {table} CONVERT TO CHARACTER SET {charset} COLLATE {collation}"))
    for table, references in tables.items():
        for column, parent in references.items():
            key = f"CONSTRAINT fk_{table}_{column}_{parent} FOREIGN KEY ({column}) REFERENCES {parent} (id)"
            connection.execute(text(f"ALTER TABLE {table} ADD {key} ON DELETE CASCADE"))
