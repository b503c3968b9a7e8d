"""Rules that several tables use, each as a named condition that is True for a good row."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from shared.tables.model import Rule

if TYPE_CHECKING:
    import ibis.expr.types as ir

COUNTRY = "^[A-Z]{2}$"
CURRENCY = "^[A-Z]{3}$"
OPAQUE = "^[A-Za-z0-9_.:/+=-]{16,}$"
CENT = 0.01


def matches(column: str, pattern: str, meaning: str) -> Rule:
    """Return the rule `<column>_well_formed`: the text matches `pattern`."""

    def good(rows: ir.Table) -> ir.BooleanValue:
        return rows[column].re_search(pattern)

    return Rule(f"{column}_well_formed", f"{column} is {meaning}", (column,), good)


def country(column: str = "country") -> Rule:
    """Return the rule that `column` is an ISO 3166-1 alpha-2 code."""
    return matches(column, COUNTRY, "an ISO 3166-1 alpha-2 code")


def currency(column: str = "currency_code") -> Rule:
    """Return the rule that `column` is an ISO 4217 code."""
    return matches(column, CURRENCY, "an ISO 4217 code")


def at_least(column: str, least: float, name: str = "") -> Rule:
    """Return the rule that `column` is `least` or more, named `<column>_not_negative` for 0."""

    def good(rows: ir.Table) -> ir.BooleanValue:
        return rows[column] >= least

    return Rule(name or f"{column}_not_negative", f"{column} ≥ {least:g}", (column,), good)


def positive(column: str) -> Rule:
    """Return the rule `<column>_positive`: more than 0."""

    def good(rows: ir.Table) -> ir.BooleanValue:
        return rows[column] > 0

    return Rule(f"{column}_positive", f"{column} > 0", (column,), good)


def between(column: str, least: float, most: float) -> Rule:
    """Return the rule `<column>_in_range`: from `least` to `most`, both included (so NaN is bad)."""

    def good(rows: ir.Table) -> ir.BooleanValue:
        return (rows[column] >= least) & (rows[column] <= most)

    return Rule(f"{column}_in_range", f"{least:g} ≤ {column} ≤ {most:g}", (column,), good)


def not_negative(name: str, *columns: str) -> Rule:
    """Return the rule `name`: none of `columns` is below 0."""

    def good(rows: ir.Table) -> ir.BooleanValue:
        verdict = rows[columns[0]] >= 0
        for column in columns[1:]:
            verdict = verdict & (rows[column] >= 0)
        return verdict

    return Rule(name, f"{', '.join(columns)} ≥ 0", columns, good)


def in_order(name: str, first: str, second: str) -> Rule:
    """Return the rule `name`: `first` is not after `second`."""

    def good(rows: ir.Table) -> ir.BooleanValue:
        return rows[first] <= rows[second]

    return Rule(name, f"{first} ≤ {second}", (first, second), good)


def opaque(column: str) -> Rule:
    """Return the rule `<column>_well_formed`: a token or hash, with a letter in it, so neither a number nor a text."""

    def good(rows: ir.Table) -> ir.BooleanValue:
        return rows[column].re_search(OPAQUE) & rows[column].re_search("[A-Za-z]")

    meaning = f"{column} is a token or hash of 16 or more letters and digits"
    return Rule(f"{column}_well_formed", meaning, (column,), good)


def no_card_number(*columns: str) -> Rule:
    """Return the rule `no_card_number`: none of the texts `columns` holds a card number."""

    def good(rows: ir.Table) -> ir.BooleanValue:
        from shared.tables.card_numbers import has_card_number  # noqa: PLC0415  only where rows are checked

        # One text of all: what to look for is looked for once.
        texts = (rows[column].fill_null("") for column in columns)
        return ~has_card_number(reduce(lambda a, b: a + " | " + b, texts))

    return Rule("no_card_number", f"no card number in {', '.join(columns)}", columns, good)
