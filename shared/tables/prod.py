"""How a prod table that a later release makes is declared: only what is certain of it."""

from __future__ import annotations

from shared.tables.columns import PROD_TAIL
from shared.tables.model import Column, Table


def planned(
    zone: str,
    name: str,
    key: tuple[str, ...],
    description: str,
    *columns: Column,
    region: str | None = None,
    region_free: bool = False,
) -> Table:
    """Return a planned table of a system's zone: `columns` and the tail of every prod row."""
    return Table(
        zone,
        name,
        key,
        (*columns, *PROD_TAIL),
        description,
        region_column=region,
        region_free=region_free,
        status="planned",
    )
