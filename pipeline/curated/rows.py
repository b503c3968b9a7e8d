"""Raw rows in one shape whoever wrote them, each with the identity that decides which of them are the same row.

The identity of a row is its key in canonical text: `7`, `07` and `7.0` are one INT. A row that lacks part of its key
is nobody's version: its identity is the place it was read from, so it stands for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis
import ibis.expr.types as ir

from pipeline.curated.staging import Staging
from pipeline.pci import refuse_card_columns
from pipeline.raw import RawFile
from shared.casts import cast_to, text_of
from shared.engine import Engine
from shared.tables import Column, Table

ID, FEED, POSITION, OP = "_id", "_feed", "_source_position", "_op"
WITHDRAWS = "_withdraws"
"""In a deletion of a row without a key: the position of the row that is no longer there."""
MOMENTS = ("_source_ts", "_extracted_at")
DELETED = "D"
PART = "\x1f"


def raw_rows(engine: Engine, table: Table, files: Sequence[RawFile], *, moments: bool = False) -> ir.Table:
    """Return the rows of raw files with every column of the contract, and what the machinery needs beside them.

    Args:
        engine: what reads them.
        table: the curated table they are for.
        files: at least one.
        moments: with `_source_ts` and `_extracted_at`.
    """
    feeds = sorted({file.source for file in files})
    parts = [_of_feed(engine, table, [f for f in files if f.source == feed], moments=moments) for feed in feeds]
    rows = parts[0] if len(parts) == 1 else ibis.union(*(as_text(part) for part in parts))
    return identified(table, rows)


def as_text(rows: ir.Table) -> ir.Table:
    """Return the rows with every column as text, columns by name: so rows of any origin fit together."""
    return rows.select(**{name: text_of(rows[name]) for name in sorted(rows.columns)})


def identified(table: Table, rows: ir.Table) -> ir.Table:
    """Return the rows with `_id`."""
    parts = [canonical(table.column(name), rows[name]) for name in table.key]
    whole = reduce(lambda a, b: a + PART + b, parts)
    place = rows[WITHDRAWS].fill_null(rows[POSITION]) if WITHDRAWS in rows.columns else rows[POSITION]
    alone = ibis.literal(f"{PART}{PART}") + rows[FEED] + "/" + place
    return rows.mutate(**{ID: whole.fill_null(alone)})


def identity(table: Table, rows: ir.Table) -> ir.StringValue:
    """Return the identity of rows that have been cast and have all of their key."""
    return reduce(lambda a, b: a + PART + b, (canonical(table.column(name), rows[name]) for name in table.key))


def canonical(column: Column, value: ir.Value) -> ir.StringValue:
    """Return a key's value as the text that all ways of writing it share; as it came where it cannot be cast."""
    text = text_of(value)
    return text if column.type == "VARCHAR" else text_of(exact(column, value)).fill_null(text)


def exact(column: Column, value: ir.Value) -> ir.Value:
    """Return a value cast to the contract, null where that cannot be or would round."""
    return cast_to(value, column.type)


def latest(staging: Staging, rows: ir.Table) -> ir.Table:
    """Return the row of each identity with the latest position.

    Where no identity is there twice, which is so for most loads, that is every row; a window over all of them would
    have to hold them all. It is only opened over those that are.
    """
    counted = rows.group_by(ID).aggregate(versions=rows.count())
    repeated = staging.keep("repeated", counted.filter(counted["versions"] > 1).select(ID))
    if not repeated.rows:
        return rows
    twice = _last(rows.semi_join(repeated.table, ID))
    return ibis.union(rows.anti_join(repeated.table, ID), twice.select(*rows.columns))


def _last(rows: ir.Table) -> ir.Table:
    order = [ibis.desc(rows[POSITION]), ibis.desc(rows[FEED])]
    nth = ibis.row_number().over(ibis.window(group_by=ID, order_by=order))
    return rows.mutate(_nth=nth).filter(lambda numbered: numbered["_nth"] == 0).drop("_nth")


def _of_feed(engine: Engine, table: Table, files: Sequence[RawFile], *, moments: bool) -> ir.Table:
    name = f"raw.{files[0].source}.{table.name}"
    rows = engine.files(name, [file.uri for file in files])
    refuse_card_columns(table, rows.columns, files[0].source)
    # Files of AWS DMS say `Op`, and stand in the order of their changes; a position of its own is not needed.
    if POSITION not in rows.columns or OP not in rows.columns:
        feed = files[0].source
        each = [_in_shape(table, _numbered(engine.files(name, [f.uri]), f), feed, moments=moments) for f in files]
        return each[0] if len(each) == 1 else ibis.union(*each)
    return _in_shape(table, rows, files[0].source, moments=moments)


def _numbered(rows: ir.Table, file: RawFile) -> ir.Table:
    """Return the rows of a file that somebody else wrote, with their place in it as position; all as text."""
    rows = rows.mutate(_place=ibis.row_number())
    place = rows["_place"].cast("string").lpad(12, "0")
    operation = rows["Op"].fill_null("I") if "Op" in rows.columns else ibis.literal("I")
    return as_text(rows.mutate(**{OP: operation, POSITION: ibis.literal(f"{file.batch}/") + place}).drop("_place"))


def _in_shape(table: Table, rows: ir.Table, feed: str, *, moments: bool) -> ir.Table:
    there = set(rows.columns)
    columns = {c.name: rows[c.name] if c.name in there else ibis.null("string") for c in table.business_columns}
    extra = (WITHDRAWS, *MOMENTS) if moments else (WITHDRAWS,)
    columns |= {name: rows[name] if name in there else ibis.null("string") for name in extra}
    origin = rows["_source"].cast("string").fill_null(feed) if "_source" in there else ibis.literal(feed)
    place = {POSITION: rows[POSITION].cast("string"), FEED: ibis.literal(feed)}
    return rows.select(**columns, _source=origin, **{OP: rows[OP].cast("string")}, **place)
