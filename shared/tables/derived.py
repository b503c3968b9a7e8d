"""What others need of the contract in their own words: MySQL DDL, Glue columns, the copilot's vocabulary."""

from __future__ import annotations

from collections.abc import Iterable

from shared.quoting import backticked, quoted
from shared.tables.model import Column, Table
from shared.tables.types import glue_type

_MYSQL = {"TIMESTAMP": "DATETIME(6)", "BOOLEAN": "BOOLEAN"}
_KEY_TEXT = "VARCHAR(64)"
_TEXT = "TEXT"


def mysql_ddl(table: Table) -> str:
    """Return the CREATE TABLE statement of a table's business columns, for a MySQL source to be read from."""
    pointing = {reference.column for reference in table.references}
    indexed = pointing | set(table.key)
    lines = [f"  {_mysql_column(column, column.name in indexed)}" for column in table.business_columns]
    lines.append(f"  PRIMARY KEY ({', '.join(map(backticked, table.key))})")
    columns = ",\n".join(lines)
    return f"CREATE TABLE {backticked(table.name)} (\n{columns}\n) COMMENT = {quoted(table.description)};"


def glue_columns(table: Table) -> list[dict[str, str]]:
    """Return the columns as AWS Glue writes them: Name, Type and Comment."""
    return [{"Name": c.name, "Type": glue_type(c.type), "Comment": c.description} for c in table.columns]


def vocabulary(tables: Iterable[Table]) -> dict[str, tuple[str, ...]]:
    """Return the words people use for columns: word → full names of the columns it may mean."""
    words: dict[str, list[str]] = {}
    for table in (each for each in tables if not each.is_history):
        for column in table.business_columns:
            for word in dict.fromkeys((column.name, column.name.replace("_", " "), *column.synonyms)):
                words.setdefault(word, []).append(f"{table.full_name}.{column.name}")
    return {word: tuple(columns) for word, columns in words.items()}


def _mysql_column(column: Column, indexed: bool) -> str:
    kind = (_KEY_TEXT if indexed else _TEXT) if column.type == "VARCHAR" else _MYSQL.get(column.type, column.type)
    null = "" if column.nullable else " NOT NULL"
    return f"{backticked(column.name)} {kind}{null} COMMENT {quoted(column.description)}"
