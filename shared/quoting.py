"""Text as SQL writes it: the one place that quotes."""

from __future__ import annotations


def quoted(text: str) -> str:
    """Return the text as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def backticked(name: str) -> str:
    """Return a name as an identifier of MySQL's, and of Spark's."""
    return "`" + name.replace("`", "``") + "`"
