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

from shared.casts import cast_to, text_of
from shared.tables import Column, Reference, Table
from shared.tables.types import ibis_type

RAW = "raw__"
GIVEN = "given__"
"""Whether a value was given at all: asked of the value, as writing moments out to ask their text costs half a check."""
HIT = "hit__"
REASONS = "_reasons"
PLACE = ("_source", "_source_position", "_feed", "_id")
"""Where a row came from: kept beside it through the checks."""


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


def checked(table: Table, raw: ir.Table, references: Mapping[str, ir.Table], *, keep: tuple[str, ...] = ()) -> ir.Table:
    """Return the rows cast to the contract, with the names of the rules each breaks in `_reasons` (empty: good).

    Args:
        table: the contract of the rows.
        raw: rows as extracted, in whatever types; columns it lacks are null. `_source` and `_source_position` stay.
        references: the tables referred to, by full name; one that is not given is not checked.
        keep: further columns of `raw` that stay as they are.
    """
    rows = _cast(table, raw, keep)
    for reference in table.references:
        rows = _with_hits(table, rows, reference, references.get(reference.table))
    return rows.mutate(**{REASONS: _reasons(rows, checks_of(table))})


def good_rows(table: Table, rows: ir.Table) -> ir.Table:
    """Return the checked rows that broke no rule, in the contract's columns but for `_ingested_at`."""
    kept = rows.filter(is_good(table, rows))
    return kept.select(*(name for name in table.column_names if name != "_ingested_at"))


def bad_rows(table: Table, rows: ir.Table) -> ir.Table:
    """Return the checked rows that broke a rule: key as cast, the raw columns (`raw__…`) and `_reasons`."""
    broken = rows.filter(~is_good(table, rows))
    raw = [f"{RAW}{column.name}" for column in table.business_columns]
    return broken.select(*table.key, *raw, REASONS, *(name for name in PLACE if name in rows.columns))


def is_good(table: Table, rows: ir.Table) -> ir.BooleanValue:
    """Return whether each checked row broke no rule."""
    return ~_any_broken(rows, checks_of(table))


def _cast(table: Table, raw: ir.Table, keep: tuple[str, ...]) -> ir.Table:
    columns: dict[str, ir.Value] = {}
    for column in table.business_columns:
        known = column.name in raw.columns
        value = raw[column.name] if known else ibis.null(ibis_type(column.type))
        columns[column.name] = cast_to(value, column.type) if known else value
        columns[f"{RAW}{column.name}"] = text_of(value)
        columns[f"{GIVEN}{column.name}"] = value.notnull()
    columns |= {name: raw[name].cast("string") for name in PLACE if name in raw.columns}
    columns |= {name: raw[name] for name in keep}
    rows = raw.select(**columns)
    return rows.mutate(_quality_score=_quality(table, rows))


def _quality(table: Table, rows: ir.Table) -> ir.Value:
    optional = [column.name for column in table.business_columns if column.nullable]
    if not optional:
        return ibis.literal(1.0)
    filled = reduce(lambda a, b: a + b, (rows[name].notnull().cast("int64") for name in optional))
    return filled.cast("float64") / len(optional)


def _with_hits(table: Table, rows: ir.Table, reference: Reference, target: ir.Table | None) -> ir.Table:
    """Return the rows with what each refers to, null where that is not there, and with what is copied from it."""
    name = f"{HIT}{reference.column}"
    if target is None:
        kinds = {own: ibis_type(table.column(own).type) for own, _ in reference.carries}
        return rows.mutate(**{name: rows[reference.column]}, **{own: ibis.null(kind) for own, kind in kinds.items()})
    copied = {own: copied_value(target[theirs], table.column(own).type == "DATE") for own, theirs in reference.carries}
    there = target.select(**{name: target[reference.target_column]}, **copied)
    # One row a value, whatever was handed in: a row checked is never multiplied.
    once = {own: there[own].max() for own in copied}
    found = there.group_by(name).aggregate(**once) if once else there.distinct()
    return rows.left_join(found, rows[reference.column] == found[name])


def copied_value(value: ir.Value, to_date: bool) -> ir.Value:
    """Return a value copied from the row referred to: of a moment, its UTC day where that is what is kept."""
    return value.date() if to_date and value.type().is_timestamp() else value


def _local_checks(table: Table) -> tuple[Check, ...]:
    automatic = (check for column in table.business_columns for check in _column_checks(column))
    return (*automatic, *(Check(r.name, r.columns, _negated(r.expression)) for r in table.rules))


def _column_checks(column: Column) -> Iterator[Check]:
    name, given = column.name, f"{GIVEN}{column.name}"
    if column.type != "VARCHAR":
        yield Check(f"castable_{name}", (name,), _uncastable(column))
    if not column.nullable:
        yield Check(f"not_null_{name}", (name,), lambda rows: ~rows[given])
    if column.choices:
        yield Check(f"choice_{name}", (name,), lambda rows: rows[name].notin(column.choices))


def _uncastable(column: Column) -> Callable[[ir.Table], ir.BooleanValue]:
    def broken(rows: ir.Table) -> ir.BooleanValue:
        return rows[f"{GIVEN}{column.name}"] & rows[column.name].isnull()

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
