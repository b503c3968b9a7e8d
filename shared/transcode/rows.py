"""The schema of the rows of a contract table, for methods that say which table they answer from."""

from __future__ import annotations

from typing import Any

from shared.tables import CONTRACT, Column, Pii, Table
from shared.transcode.contract import ContractError, Method

TYPES: dict[str, dict[str, Any]] = {
    "VARCHAR": {"type": "string"},
    "SMALLINT": {"type": "integer", "format": "int32"},
    "INT": {"type": "integer", "format": "int32"},
    "BIGINT": {"type": "integer", "format": "int64"},
    "DOUBLE": {"type": "number", "format": "double"},
    "DECIMAL": {"type": "number"},
    "BOOLEAN": {"type": "boolean"},
    "DATE": {"type": "string", "format": "date"},
    "TIMESTAMP": {"type": "string", "format": "date-time"},
}


def row_schema(method: Method) -> dict[str, Any] | None:
    """Return the schema of the method's rows, or None when its contract does not tell the table."""
    name = method.policy.table
    if not name:
        return None
    if name not in CONTRACT:
        raise ContractError(f"{method.full_name}: its policy names the table {name}, which no contract declares")
    return table_schema(CONTRACT[name])


def table_schema(table: Table) -> dict[str, Any]:
    """Return the schema of one row; personal columns are only there for callers who may see them."""
    columns = table.business_columns
    return {
        "type": "object",
        "title": table.full_name,
        "description": table.description,
        "properties": {column.name: column_schema(column) for column in columns},
        "required": [column.name for column in columns if column.pii is Pii.NONE],
    }


def column_schema(column: Column) -> dict[str, Any]:
    """Return the schema of one value of a column."""
    kind = column.type.partition("(")[0]
    schema = dict(TYPES[kind])
    if column.choices and not column.nullable:
        schema["enum"] = list(column.choices)
    if column.nullable:
        schema["type"] = [schema["type"], "null"]
    schema["description"] = column.description
    if column.unit:
        schema["x-unit"] = column.unit
    return schema
