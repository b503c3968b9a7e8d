"""Rows held against the contract: cast, judged rule by rule, scored. Ibis only, so it runs on every engine.

The pipeline's way: `cast_by_contract(raw, table)`, then `judge(cast, table, references)`; rows whose `_failed_rules` is
empty are good, the others go to quarantine with those names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import ibis

from shared.tables.model import Column, Reference, Rule, Table
from shared.tables.types import ibis_type

if TYPE_CHECKING:
    import ibis.expr.types as ir

FAILED_RULES = "_failed_rules"
QUALITY_SCORE = "_quality_score"
INTEGERS = ("SMALLINT", "INT", "BIGINT")


def castable(name: str) -> str:
    """Return the name of the rule, and of the flag, that the raw value of a column has its type."""
    return f"castable_{name}"


def resolves(name: str) -> str:
    """Return the name of the rule, and of the flag, that a foreign key points to a row."""
    return f"resolves_{name}"


def is_castable(column: Column) -> bool:
    """Return whether a raw value can fail to have the column's type: every value is text."""
    return column.type != "VARCHAR"


def rules_of(table: Table) -> tuple[Rule, ...]:
    """Return every rule of a table, the automatic ones first: castable, not null, choice."""
    automatic: list[Rule] = []
    for column in table.business_columns:
        if is_castable(column):
            automatic.append(_castable_rule(column))
        if not column.nullable:
            automatic.append(_not_null_rule(column))
        if column.choices:
            automatic.append(_choice_rule(column))
    return (*automatic, *table.rules)


def rule_names(table: Table) -> tuple[str, ...]:
    """Return the names a row of this table can land in quarantine with."""
    named = tuple(rule.name for rule in rules_of(table))
    return named + tuple(resolves(reference.column) for reference in table.references)


def cast_by_contract(raw: ir.Table, table: Table) -> ir.Table:
    """Return raw rows with the business columns in their contract types, and a flag `castable_<column>` for each.

    A value that does not fit becomes null and its flag False. A column that the source lacks is null. Columns the
    contract does not know are kept as they are, after the known ones.
    """
    known = {column.name: _cast(raw, column) for column in table.business_columns}
    flags = {castable(c.name): _fits(raw, c, known[c.name]) for c in table.business_columns if is_castable(c)}
    others = {name: raw[name] for name in raw.columns if name not in known and name not in flags}
    return raw.select(**known, **others, **flags)


def judge(candidate: ir.Table, table: Table, references: Mapping[str, ir.Table] | None = None) -> ir.Table:
    """Return cast rows with `_failed_rules` (array of rule names, empty for a good row) and `_quality_score`.

    Args:
        candidate: what `cast_by_contract` returned.
        table: its contract.
        references: the tables that foreign keys point to, by full name; a reference to a table that is not given is
            not checked, since the source may lack it.
    """
    resolved = resolve(candidate, table, references or {})
    judged = resolved.mutate(
        **{FAILED_RULES: failed_rules(resolved, table), QUALITY_SCORE: quality_score(resolved, table)}
    )
    flags = [name for name in judged.columns if name.startswith(("castable_", "resolves_"))]
    return judged.drop(*flags)


def resolve(candidate: ir.Table, table: Table, references: Mapping[str, ir.Table]) -> ir.Table:
    """Return the rows with a flag `resolves_<column>` for each reference whose table is given."""
    for reference in table.references:
        if reference.table in references:
            candidate = _with_flag(candidate, reference, references[reference.table])
    return candidate


def failed_rules(resolved: ir.Table, table: Table) -> ir.ArrayColumn:
    """Return the names of the rules each row fails, as an array of text; a rule that is null holds."""
    verdicts = {rule.name: rule.expression(resolved) for rule in rules_of(table)}
    for reference in table.references:
        if resolves(reference.column) in resolved.columns:
            verdicts[resolves(reference.column)] = resolved[resolves(reference.column)]
    return _names_of_failed(verdicts)


def quality_score(rows: ir.Table, table: Table) -> ir.FloatingValue:
    """Return the share of the optional business columns that are filled, 0-1; 1 where the table has none."""
    optional = [rows[column.name].notnull().cast("float64") for column in table.business_columns if column.nullable]
    return sum(optional[1:], start=optional[0]) / len(optional) if optional else ibis.literal(1.0)


def _names_of_failed(verdicts: Mapping[str, ir.BooleanValue]) -> ir.ArrayColumn:
    names = [ibis.ifelse(good.fill_null(True), ibis.null("string"), name) for name, good in verdicts.items()]
    if not names:
        return ibis.literal([], type="array<string>")
    return ibis.array(names).filter(lambda name: name.notnull())


def _cast(raw: ir.Table, column: Column) -> ir.Value:
    kind = ibis_type(column.type)
    if column.name not in raw.columns:
        return ibis.null(kind)
    value = raw[column.name]
    return value if value.type() == ibis.dtype(kind) else value.try_cast(kind)


def _fits(raw: ir.Table, column: Column, cast: ir.Value) -> ir.BooleanValue:
    if column.name not in raw.columns:
        return ibis.literal(True)
    value = raw[column.name]
    fits = cast.notnull()
    if column.type in INTEGERS and not value.type().is_integer():
        # A cast to an integer rounds, and a quantity of 1.7 is not one of 2.
        fits = fits & (value.try_cast("float64") == cast.cast("float64"))
    return fits | value.isnull()


def _castable_rule(column: Column) -> Rule:
    flag = castable(column.name)
    return Rule(flag, f"{column.name} is a {column.type}", (column.name,), lambda rows: rows[flag])


def _not_null_rule(column: Column) -> Rule:
    def good(rows: ir.Table) -> ir.BooleanValue:
        # A value that was there but did not fit is reported as that, not as missing too.
        present = rows[column.name].notnull()
        return present | ~rows[castable(column.name)] if castable(column.name) in rows.columns else present

    return Rule(f"not_null_{column.name}", f"{column.name} is filled", (column.name,), good)


def _choice_rule(column: Column) -> Rule:
    return Rule(
        f"choice_{column.name}",
        f"{column.name} is one of {', '.join(column.choices)}",
        (column.name,),
        lambda rows: rows[column.name].isin(column.choices),
    )


def _with_flag(candidate: ir.Table, reference: Reference, target: ir.Table) -> ir.Table:
    # A join, not IN (subquery): Spark takes the latter in a filter alone.
    key = "_key_of_" + reference.column
    keys = target.select(**{key: target[reference.target_column]}).distinct()
    joined = candidate.left_join(keys, candidate[reference.column] == keys[key])
    flag = joined[key].notnull() | joined[reference.column].isnull()
    return joined.mutate(**{resolves(reference.column): flag}).drop(key)
