"""A table's mapping as SQL over its loaded files: everything text, in the forms the contract casts from."""

# ruff: noqa: S608  the SQL is our own; names and constants of the mapping are quoted

from __future__ import annotations

from pipeline.sources.csv_mapping.expressions import Expression
from pipeline.sources.csv_mapping.model import ColumnMapping, TableMapping
from shared.quoting import identifier, quoted
from shared.tables import Column, Table

NUMBER = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
OFFSET = "[0-9]:[0-9]{2}.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
YES = ("true", "t", "yes", "y", "1", "ja", "j", "oui", "si", "sí", "wahr")
NO = ("false", "f", "no", "n", "0", "nein", "non", "falsch")
DECIMAL = "DECIMAL(18,4)"
TOKENS = ("email", "card", "address")


def text_of(column: str) -> str:
    """Return SQL of a column's text without blanks around it, NULL where nothing is left."""
    return f"nullif(trim({identifier(column)}), '')"


def number_text(value: str, mapping: TableMapping) -> str:
    """Return SQL of a number as the contract casts it; a text that is no number stays for the rules to find."""
    plain = f"replace(replace({value}, ' ', ''), '\u00a0', '')"
    if mapping.thousands.strip():
        plain = f"replace({plain}, {quoted(mapping.thousands)}, '')"
    if mapping.decimal == ",":
        plain = f"replace({plain}, ',', '.')"
    plain = f"regexp_replace({plain}, '^[€$£¥]|[€$£¥]$', '')"
    return f"CASE WHEN regexp_full_match({plain}, {quoted(NUMBER)}) THEN {plain} ELSE {value} END"


def number(value: str, mapping: TableMapping) -> str:
    """Return SQL of a text as a decimal number, NULL where it is none."""
    return f"TRY_CAST({number_text(value, mapping)} AS {DECIMAL})"


def moment_text(value: str, form: str | None, zone: str) -> str:
    """Return SQL of a moment in UTC; a time without an offset is told by the clock of `zone`."""
    if form:
        parsed = f"try_strptime({value}, {quoted(form)})"
        moment = f"{parsed}::TIMESTAMPTZ" if "%z" in form else f"{parsed} AT TIME ZONE {quoted(zone)}"
    else:
        moment = (
            f"CASE WHEN regexp_matches({value}, {quoted(OFFSET)}) THEN TRY_CAST({value} AS TIMESTAMPTZ)"
            f" ELSE TRY_CAST({value} AS TIMESTAMP) AT TIME ZONE {quoted(zone)} END"
        )
    return f"coalesce(({moment})::VARCHAR, {value})"


def day_text(value: str, form: str | None) -> str:
    """Return SQL of a day in ISO 8601."""
    day = f"try_strptime({value}, {quoted(form)})::DATE" if form else f"TRY_CAST({value} AS DATE)"
    return f"coalesce(({day})::VARCHAR, {value})"


def flag_text(value: str) -> str:
    """Return SQL of a flag as true or false."""
    told = {"true": YES, "false": NO}
    cases = " ".join(
        f"WHEN lower({value}) IN ({', '.join(map(quoted, words))}) THEN {quoted(name)}" for name, words in told.items()
    )
    return f"CASE {cases} ELSE {value} END"


def token_column(target: str) -> str:
    """Return the name of the loaded column that holds a token."""
    return f"token of {target}"


def tokens_of(mapping: TableMapping) -> dict[str, str]:
    """Return the loaded columns of tokens and the SQL that makes each while its file is read."""
    made = {name: _token(name, each) for name, each in mapping.columns.items() if each.kind in TOKENS}
    return {token_column(name): sql for name, sql in made.items()}


def _token(target: str, mapped: ColumnMapping) -> str:
    if mapped.address:
        return f"address_hmac(nullif(concat_ws(' ', {', '.join(map(text_of, mapped.address))}), ''))"
    return f"{target}({text_of(mapped.email or mapped.card or '')})"


class TableSql:
    """The SQL of one mapped table."""

    def __init__(self, table: Table, mapping: TableMapping, zone: str) -> None:
        self.table, self.mapping, self.zone = table, mapping, zone

    def select(self, loaded: str, origin: str) -> str:
        """Return the SELECT of the contract's columns, and of a row in place of each line that cannot be read."""
        columns = {name: self.value(self.table.column(name), each) for name, each in self.mapping.columns.items()}
        listed = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
        dated = columns.get(self.table.dated_by)
        at = f"TRY_CAST({dated} AS TIMESTAMPTZ)" if dated else "NULL::TIMESTAMPTZ"
        # It has no other column, so that it cannot but wait in quarantine, under the file and line as its key.
        key = next(name for name in self.table.key if self.table.column(name).type == "VARCHAR")
        return f"""
SELECT {listed}, {quoted(origin)} AS _source, {at} AS _source_ts, NULL::VARCHAR AS rejected, _file, _row FROM {loaded}
UNION ALL BY NAME
SELECT _file || ':' || _row AS "{key}", {quoted(origin)} AS _source, NULL::TIMESTAMPTZ AS _source_ts,
       reason AS rejected, _file, _row FROM {loaded}_rejected
"""

    def value(self, column: Column, mapped: ColumnMapping) -> str:
        """Return the SQL of one column of the contract."""
        if mapped.kind == "const":
            return quoted(mapped.const or "")
        if mapped.kind in TOKENS:
            return identifier(token_column(column.name))
        if mapped.kind == "nth_in":
            return f"(row_number() OVER (PARTITION BY {text_of(mapped.nth_in or '')} ORDER BY rowid))::VARCHAR"
        found = self._translated(column, self._origin(mapped), mapped)
        typed = self._typed(column, found, mapped)
        return f"coalesce({typed}, {quoted(mapped.default)})" if mapped.default is not None else typed

    def _origin(self, mapped: ColumnMapping) -> str:
        if mapped.expr is not None:
            return Expression(mapped.expr, text_of, lambda text: number(text, self.mapping)).sql()
        return text_of(mapped.column or "")

    def _translated(self, column: Column, value: str, mapped: ColumnMapping) -> str:
        other = f"lower({value})" if column.choices else value
        if not mapped.values:
            return other
        cases = " ".join(
            f"WHEN {quoted(given)} THEN {'NULL' if to is None else quoted(to)}" for given, to in mapped.values.items()
        )
        return f"CASE {value} {cases} ELSE {other} END"

    def _typed(self, column: Column, value: str, mapped: ColumnMapping) -> str:
        form = mapped.date_format or self.mapping.date_format
        if column.type == "VARCHAR":
            return value
        if column.type == "TIMESTAMP":
            return moment_text(value, form, self.zone)
        if column.type == "DATE":
            return day_text(value, form)
        if column.type == "BOOLEAN":
            return flag_text(value)
        return value if mapped.expr is not None else number_text(value, self.mapping)
