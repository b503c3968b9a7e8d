"""The data contract: every curated and prod table, declared once.

DDL, Parquet schemas, validation, the data dictionary, the Glue tables and the copilot's vocabulary all derive from
`CONTRACT`; nothing else restates a column list. Importing it pulls in neither Ibis nor Arrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.tables.catalogue import CATEGORIES, INVENTORY, PRODUCTS, SUPPLIERS
from shared.tables.customers import CUSTOMERS
from shared.tables.demand import CUSTOMER_SEGMENTS, RFM_SCORES
from shared.tables.model import Column, Pii, Reference, Rule, Table
from shared.tables.promotions import PROMOTION_PRODUCTS, PROMOTIONS
from shared.tables.sales import ORDER_ITEMS, ORDERS

__all__ = ["CONTRACT", "Column", "Pii", "Reference", "Rule", "Table", "tables_of"]

CONTRACT: Mapping[str, Table] = MappingProxyType(
    {
        table.full_name: table
        for table in (
            CUSTOMERS,
            CATEGORIES,
            SUPPLIERS,
            PRODUCTS,
            INVENTORY,
            PROMOTIONS,
            PROMOTION_PRODUCTS,
            ORDERS,
            ORDER_ITEMS,
            CUSTOMER_SEGMENTS,
            RFM_SCORES,
        )
    }
)


def tables_of(zone: str) -> tuple[Table, ...]:
    """Return the tables of `curated` or of a system's prod zone, in the order they are declared."""
    return tuple(table for table in CONTRACT.values() if table.zone == zone)
