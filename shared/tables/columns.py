"""Short constructors, so that a table reads as a list of names and meanings; and the tails rows share."""

from __future__ import annotations

from shared.tables.model import Column, Pii


def text(
    name: str,
    description: str,
    *,
    null: bool = False,
    pii: Pii = Pii.NONE,
    choices: tuple[str, ...] = (),
    synonyms: tuple[str, ...] = (),
) -> Column:
    """Return a VARCHAR column."""
    return Column(name, "VARCHAR", null, description, pii=pii, choices=choices, synonyms=synonyms)


def money(
    name: str, description: str, *, null: bool = False, unit: str = "currency_code", synonyms: tuple[str, ...] = ()
) -> Column:
    """Return a DECIMAL(18,2) column; its unit is the currency in the row's `currency_code`."""
    return Column(name, "DECIMAL(18,2)", null, description, unit=unit, synonyms=synonyms)


def whole(
    name: str,
    description: str,
    *,
    kind: str = "INT",
    null: bool = False,
    unit: str = "",
    synonyms: tuple[str, ...] = (),
) -> Column:
    """Return an integer column of `kind` SMALLINT, INT or BIGINT."""
    return Column(name, kind, null, description, unit=unit, synonyms=synonyms)


def real(name: str, description: str, *, null: bool = False, unit: str = "", pii: Pii = Pii.NONE) -> Column:
    """Return a DOUBLE column."""
    return Column(name, "DOUBLE", null, description, unit=unit, pii=pii)


def share(name: str, description: str, *, null: bool = False) -> Column:
    """Return a DOUBLE column in percent, 0-100."""
    return Column(name, "DOUBLE", null, description, unit="%")


def flag(name: str, description: str, *, null: bool = False) -> Column:
    """Return a BOOLEAN column."""
    return Column(name, "BOOLEAN", null, description)


def moment(name: str, description: str, *, null: bool = False) -> Column:
    """Return a TIMESTAMP column: UTC, microseconds."""
    return Column(name, "TIMESTAMP", null, description, unit="UTC")


def day(name: str, description: str, *, null: bool = False) -> Column:
    """Return a DATE column."""
    return Column(name, "DATE", null, description)


def currency(description: str = "Currency of the amounts in this row, ISO 4217", *, null: bool = False) -> Column:
    """Return the `currency_code` column that goes with every amount."""
    return text("currency_code", description, null=null, synonyms=("currency",))


CURATED_TAIL = (
    moment("_ingested_at", "When this version of the row entered the curated zone"),
    text("_source", "Source the row came from, or how it was made up: inferred, simulated"),
    real("_quality_score", "Share of the row's optional columns that are filled, 0-1; 1 where all are required"),
)

PROD_TAIL = (
    day("data_through_on", "Last complete day of the data behind the row: the batch clock"),
    text("model_name", "Registered model that made the row; empty where none did", null=True),
    text("model_version", "Semantic version of that model", null=True),
    moment("computed_at", "When the run that made the row computed it"),
)
