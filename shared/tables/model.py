"""What a table of the contract is made of: columns, rules, references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

Good: TypeAlias = "Callable[[ir.Table], ir.BooleanValue]"


class Pii(Enum):
    """Whether a column tells who a person is."""

    NONE = "none"
    PERSONAL = "personal"
    """Left out of every answer to a caller without `pii:read`."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, contract type and meaning."""

    name: str
    type: str
    nullable: bool
    description: str
    unit: str = ""
    pii: Pii = Pii.NONE
    choices: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()

    def arrow_field(self) -> pa.Field:
        """Return the column in Arrow and Parquet."""
        import pyarrow as pa  # noqa: PLC0415  slow to import

        from shared.tables.types import arrow_type  # noqa: PLC0415

        return pa.field(self.name, arrow_type(self.type), nullable=self.nullable)


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition every row of a table meets; `expression` is True for a good row, null counts as good."""

    name: str
    description: str
    columns: tuple[str, ...]
    expression: Good


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: where `column` is filled, `table` has a row with that value in `target_column`."""

    column: str
    table: str
    target_column: str
    carries: tuple[tuple[str, str], ...] = ()
    """Columns of this table that are copied from the row referred to: own column, its column."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the lake, as every part of the platform knows it."""

    zone: str
    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    description: str
    rules: tuple[Rule, ...] = ()
    references: tuple[Reference, ...] = ()
    region_column: str | None = None
    """Column that a region-bound caller's rows are chosen by."""
    region_free: bool = False
    """True: nothing in it belongs to one region's people, so a region-bound caller may read all of it.
    A table with neither is closed to such callers."""
    source: str = ""
    dated_by: str = ""
    """Column that says on which day a row counts (DEFINITIONS: orders by ordered_at, payments by authorized_at, …)."""
    amount: str = ""
    """Money column that reconciliation adds up."""
    by_month: bool = False
    """True: the lake keeps each UTC month of `dated_by` in files of its own, sorted by it."""
    is_history: bool = False
    """True: past versions of another table's rows; people's words for columns mean that table."""
    status: Literal["live", "planned"] = "live"
    """planned: a later release makes it, and may add columns."""

    @property
    def full_name(self) -> str:
        """Return the name used in SQL, such as `curated.orders`."""
        return f"{self.zone}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """Return the names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def business_columns(self) -> tuple[Column, ...]:
        """Return the columns without those about the row itself (leading underscore)."""
        return tuple(column for column in self.columns if not column.name.startswith("_"))

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.full_name} has no column {name}; it has {', '.join(self.column_names)}")

    def arrow_schema(self) -> pa.Schema:
        """Return the schema of the table in Arrow and Parquet."""
        import pyarrow as pa  # noqa: PLC0415  slow to import

        return pa.schema([column.arrow_field() for column in self.columns])
