"""What a source gives of a table, by day and currency, and what of that a later line of the same key replaces."""

# ruff: noqa: S608  the SQL is our own

from __future__ import annotations

REPEATED = "repeated_key"
NO_DAY = "NULL::DATE AS day, NULL::DECIMAL(18,2) AS amount, '' AS currency_code"
"""Of a table without days and money."""


def counted(rows: str) -> str:
    """Return a control (`Source.control`) of rows.

    Args:
        rows: a SELECT of key (text; NULL: the row stands for itself), day, amount, currency_code, file and place.
    """
    totals = "count(*) AS rows, sum(amount)::DECIMAL(18,2) AS amount, currency_code"
    return f"""
WITH given AS MATERIALIZED ({rows}),
twice AS (SELECT key FROM given WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1),
versions AS (
    SELECT *, row_number() OVER (PARTITION BY key ORDER BY file DESC, place DESC) AS nth
    FROM given SEMI JOIN twice USING (key)
)
SELECT day, '' AS reason, {totals} FROM given GROUP BY ALL
UNION ALL
SELECT day, '{REPEATED}' AS reason, {totals} FROM versions WHERE nth > 1 GROUP BY ALL
"""
