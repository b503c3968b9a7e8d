"""Raw rows cast to the contract and held against every rule of their table; each broken rule is named.

Ibis only, so it runs on every engine.

The rules of a table are those it declares and four kinds that follow from its columns: `castable_<column>`,
`not_null_<column>`, `choice_<column>` and `resolves_<column>` for each reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

import ibis
import ibis.expr.types as ir

from shared.tables import Column, Reference, Table
from shared.tables.types import ibis_type

RAW = "raw__"
HIT = "hit__"
REASONS = "_reasons"
INTEGERS = ("SMALLINT", "INT", "BIGINT")


@dataclass(frozen=True, slots=True)
class Check:
    """One rule by name and the condition under which a row breaks it."""

    name: str
    columns: tuple[str, ...]
    broken: Callable[[ir.Table], ir.BooleanValue]


def checks_of(table: Table) -> tuple[Check, ...]:
    """Return every check of a table, automatic ones first."""
    return (*_local_checks(table), *(_resolves(reference) for reference in table.references))


def rule_names(table: Table) -> tuple[str, ...]:
    """Return the names a row of this table can land in quarantine with."""
    return tuple(check.name for check in checks_of(table))


def checked(table: Table, raw: ir.Table, references: Mapping[str, ir.Table]) -> ir.Table:
    """Return the rows cast to the contract, with the names of the rules each breaks in `_reasons` (empty: good).

    Args:
        table: the contract of the rows.
        raw: rows as extracted, in whatever types; columns it lacks are null. `_source` and `_source_position` stay.
        references: the tables referred to, by full name. One that is not given is not checked, as the source may
            lack it. A table that refers to itself resolves against the rows already there and those of `raw`
            that are good so far.
    """
    rows = _cast(table, raw)
    for reference in table.references:
        rows = _with_hits(table, rows, reference, references.get(reference.table))
    return rows.mutate(**{REASONS: _reasons(rows, checks_of(table))})


def good_rows(table: Table, rows: ir.Table) -> ir.Table:
    """Return the checked rows that broke no rule, in the contract's columns but for `_ingested_at`."""
    kept = rows.filter(~_any_broken(rows, checks_of(table)))
    return kept.select(*(name for name in table.column_names if name != "_ingested_at"))


def bad_rows(table: Table, rows: ir.Table) -> ir.Table:
    """Return the checked rows that broke a rule: key as cast, the raw columns (`raw__…`) and `_reasons`."""
    broken = rows.filter(_any_broken(rows, checks_of(table)))
    raw = [f"{RAW}{column.name}" for column in table.business_columns]
    return broken.select(*table.key, *raw, REASONS, "_source", "_source_position")


def keys_of(table: Table, raw: ir.Table) -> ir.Table:
    """Return the keys of raw rows, cast to the contract; null where that cannot be."""
    return raw.select(**{name: raw[name].try_cast(ibis_type(table.column(name).type)) for name in table.key})


def _cast(table: Table, raw: ir.Table) -> ir.Table:
    columns: dict[str, ir.Value] = {}
    for column in table.business_columns:
        known = column.name in raw.columns
        value = raw[column.name] if known else ibis.null(ibis_type(column.type))
        columns[column.name] = value.try_cast(ibis_type(column.type)) if known else value
        columns[f"{RAW}{column.name}"] = value.cast("string")
    columns["_source"] = raw["_source"].cast("string")
    columns["_source_position"] = raw["_source_position"].cast("string")
    rows = raw.select(**columns)
    return rows.mutate(_quality_score=_quality(table, rows))


def _quality(table: Table, rows: ir.Table) -> ir.Value:
    optional = [column.name for column in table.business_columns if column.nullable]
    if not optional:
        return ibis.literal(1.0)
    filled = reduce(lambda a, b: a + b, (rows[name].notnull().cast("int64") for name in optional))
    return filled.cast("float64") / len(optional)


def _with_hits(table: Table, rows: ir.Table, reference: Reference, target: ir.Table | None) -> ir.Table:
    name = f"{HIT}{reference.column}"
    keys = [target.select(**{name: target[reference.target_column]})] if target is not None else []
    if reference.table == table.full_name:
        sound = rows.filter(~_any_broken(rows, _local_checks(table)))
        keys.append(sound.select(**{name: sound[reference.target_column]}))
    if not keys:
        return rows.mutate(**{name: rows[reference.column]})
    found = ibis.union(*keys).distinct() if len(keys) > 1 else keys[0].distinct()
    return rows.left_join(found, rows[reference.column] == found[name])


def _local_checks(table: Table) -> tuple[Check, ...]:
    automatic = (check for column in table.business_columns for check in _column_checks(column))
    return (*automatic, *(Check(r.name, r.columns, _negated(r.expression)) for r in table.rules))


def _column_checks(column: Column) -> Iterator[Check]:
    name, raw = column.name, f"{RAW}{column.name}"
    if column.type != "VARCHAR":
        yield Check(f"castable_{name}", (name,), _uncastable(column))
    if not column.nullable:
        yield Check(f"not_null_{name}", (name,), lambda rows: rows[raw].isnull())
    if column.choices:
        yield Check(f"choice_{name}", (name,), lambda rows: rows[name].notin(column.choices))


def _uncastable(column: Column) -> Callable[[ir.Table], ir.BooleanValue]:
    def broken(rows: ir.Table) -> ir.BooleanValue:
        text, value = rows[f"{RAW}{column.name}"], rows[column.name]
        lost = text.notnull() & value.isnull()
        if column.type not in INTEGERS:
            return lost
        # A cast to an integer rounds: 1.7 is not a quantity of 2.
        return lost | (value.notnull() & (text.try_cast("float64") != value.cast("float64")))

    return broken


def _resolves(reference: Reference) -> Check:
    def broken(rows: ir.Table) -> ir.BooleanValue:
        return rows[reference.column].notnull() & rows[f"{HIT}{reference.column}"].isnull()

    return Check(f"resolves_{reference.column}", (reference.column,), broken)


def _negated(good: Callable[[ir.Table], ir.BooleanValue]) -> Callable[[ir.Table], ir.BooleanValue]:
    return lambda rows: ~good(rows)


def _any_broken(rows: ir.Table, checks: tuple[Check, ...]) -> ir.BooleanValue:
    # Null counts as good: a rule says nothing of what is not there.
    return reduce(lambda a, b: a | b, (check.broken(rows).fill_null(False) for check in checks))


def _reasons(rows: ir.Table, checks: tuple[Check, ...]) -> ir.ArrayValue:
    named = [ibis.cases((check.broken(rows).fill_null(False), check.name)) for check in checks]
    return ibis.array(named).filter(lambda name: name.notnull())
