"""The data dictionary, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.tables import CONTRACT
from shared.tables.model import Column, Pii, Table

_INTRODUCTION = """# Data dictionary

Generated from `shared/tables` by `python -m shared.tables`; change it there.

Timestamps are UTC with microseconds. Money is in the currency of the row's `currency_code` where the unit says so.
`?` behind a type marks a column that may be empty. Columns marked *personal* are answered only to callers with
`pii:read`. A row that fails a rule goes to quarantine under the rule's name. Beside the rules listed, every column is
held to its type (`castable_…`), to being filled (`not_null_…`), to its choices (`choice_…`), and every reference to a
row that is there (`resolves_…`). Tables marked *planned* are made by a later release and may gain columns.
"""


def data_dictionary(tables: Iterable[Table] = CONTRACT.values()) -> str:
    """Return the whole contract as one Markdown document."""
    return "\n".join([_INTRODUCTION, *("\n".join(_section(table)) for table in tables)])


def _section(table: Table) -> Iterator[str]:
    yield f"## {table.full_name}" + (" *(planned)*" if table.status == "planned" else "")
    yield f"\n{table.description}. Key: {', '.join(f'`{name}`' for name in table.key)}.\n"
    yield "| column | type | unit | meaning |"
    yield "|---|---|---|---|"
    yield from (_row(column) for column in table.columns)
    if table.references:
        yield "\nReferences:\n"
        yield from (f"- `{r.column}` → `{r.table}.{r.target_column}`" for r in table.references)
    if table.rules:
        yield "\nRules:\n"
        yield from (f"- `{rule.name}`: {rule.description}" for rule in table.rules)
    yield ""


def _row(column: Column) -> str:
    kind = column.type + ("?" if column.nullable else "")
    choices = f": {', '.join(column.choices)}" if column.choices else ""
    personal = " *(personal)*" if column.pii is Pii.PERSONAL else ""
    return f"| `{column.name}` | {kind} | {column.unit} | {column.description}{choices}{personal} |"
