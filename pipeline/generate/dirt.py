"""Known bad rows, planted to test what takes the tables in; each is written down in truth/dirt with what is expected.

Bad rows are copies of good ones under keys of their own (`O9…`), so that no good row suffers; they are all text, in
files of their own (`<table>/dirt-…`). Late rows are good ones that come last, in `<table>/part-late-…`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.generate.columns import ids
from pipeline.generate.tables import SOURCE_TS, Stretch

if TYPE_CHECKING:
    from pipeline.generate.world import Truth, World

DIRT, LATE = "@dirt", "@late"
FIRST_KEY = 9_000_000_000
PAN = "4539 1488 0343 6467"
"""A test number that passes Luhn and belongs to nobody."""


class Kind(NamedTuple):
    """One way for a row to be bad."""

    name: str
    table: str
    spoiled: Callable[[pa.Table], pa.Table]
    expected: str
    """The rule it breaks, or what becomes of it."""


class Dirt:
    """Spoils a share of the rows of each chunk."""

    def __init__(self, world: World, truth: Truth) -> None:
        self._world, self._truth = world, truth
        self._share = world.knobs.dirt / 100
        self._number, self._key = 0, FIRST_KEY

    def soiled(self, stretch: Stretch) -> Stretch:
        """Return the stretch with bad rows beside its good ones, and without those that come late."""
        if not self._share or "orders" not in stretch.tables:
            return stretch
        draw = self._world.rng("dirt", self._number)
        self._number += 1
        tables = dict(stretch.tables)
        for kind in KINDS:
            if kind.table in tables:
                self._spoil(kind, tables, draw)
        self._delay(tables, draw)
        return Stretch(tables, stretch.orders)

    def _spoil(self, kind: Kind, tables: dict[str, pa.Table], draw: np.random.Generator) -> None:
        rows = _as_text(self._taken(tables[kind.table], draw))
        if not rows.num_rows:
            return
        if kind.name != "duplicate":
            rows = self._with_own_keys(kind.table, rows)
        rows = kind.spoiled(rows)
        name = f"{kind.table}{DIRT}"
        tables[name] = pa.concat_tables([tables[name], rows]) if name in tables else rows
        self._note(kind.name, kind.table, rows, kind.expected)

    def _delay(self, tables: dict[str, pa.Table], draw: np.random.Generator) -> None:
        rows = tables["orders"]
        late = draw.random(rows.num_rows) < self._share / (len(KINDS) + 1)
        tables["orders"], tables[f"orders{LATE}"] = rows.filter(pa.array(~late)), rows.filter(pa.array(late))
        self._note("late", "orders", tables[f"orders{LATE}"], "kept")

    def _taken(self, rows: pa.Table, draw: np.random.Generator) -> pa.Table:
        return rows.filter(pa.array(draw.random(rows.num_rows) < self._share / (len(KINDS) + 1)))

    def _with_own_keys(self, table: str, rows: pa.Table) -> pa.Table:
        column = {"orders": "order_id", "order_items": "line_number", "reviews": "review_id"}[table]
        numbers = np.arange(self._key, self._key + rows.num_rows)
        self._key += rows.num_rows
        # A line keeps its order and gets a number no basket comes to.
        keys = pa.array((numbers - FIRST_KEY + 1_000).astype(str)) if column == "line_number" else ids("O", numbers)
        return _with(column, keys)(rows)

    def _note(self, kind: str, table: str, rows: pa.Table, expected: str) -> None:
        key = {"orders": "order_id", "order_items": "order_id", "reviews": "review_id"}[table]
        line = rows["line_number"].cast(pa.string()) if table == "order_items" else pa.nulls(rows.num_rows, pa.string())
        many = rows.num_rows
        columns = [_all(kind, many), _all(table, many), rows[key], line, _all(expected, many)]
        self._truth.add("dirt", pa.table(columns, names=["kind", "table", "key", "line_number", "expected"]))


def file_stem(name: str) -> tuple[str, str]:
    """Return table and file stem of the rows named so: bad and late rows lie beside the good ones."""
    table, _, how = name.partition("@")
    return table, {"": "part-", "dirt": "dirt-", "late": "part-late-"}[how]


def _with(column: str, values: pa.Array) -> Callable[[pa.Table], pa.Table]:
    def spoiled(rows: pa.Table) -> pa.Table:
        return rows.set_column(rows.schema.get_field_index(column), pa.field(column, pa.string()), values)

    return spoiled


def _set(column: str, value: str | None) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: _with(column, _all(value, rows.num_rows))(rows)


def _all(value: str | None, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), rows)


def _as_text(rows: pa.Table) -> pa.Table:
    return pa.table(list(_texts(rows)), names=rows.schema.names)


def _texts(rows: pa.Table) -> Iterator[pa.ChunkedArray]:
    # A moment stays one: text of a time zone's time would be read in the reader's own.
    for name in rows.schema.names:
        yield rows[name] if name == SOURCE_TS else rows[name].cast(pa.string())


KINDS = (
    Kind("duplicate", "orders", lambda rows: rows, "superseded"),
    Kind("duplicate", "order_items", lambda rows: rows, "superseded"),
    Kind("bad_cast", "orders", _set("total", "12,5O EUR"), "castable_total"),
    Kind("bad_cast", "order_items", _set("quantity", "two"), "castable_quantity"),
    Kind("unknown_reference", "orders", _set("customer_id", "C999999999"), "resolves_customer_id"),
    Kind("unknown_reference", "order_items", _set("product_id", "P99999999"), "resolves_product_id"),
    Kind("null_key", "orders", _set("order_id", None), "not_null_order_id"),
    Kind("null_key", "order_items", _set("line_number", None), "not_null_line_number"),
    Kind("pan", "reviews", _set("body", f"Charged twice on {PAN}, please help"), "card number found"),
)
"""Every kind of bad row."""
