"""The data contract: every curated and prod table, and those of the pipeline itself, declared once.

DDL, Parquet schemas, validation, the data dictionary, the Glue tables and the copilot's vocabulary all derive from
`CONTRACT`; nothing else restates a column list. Importing it pulls in neither Ibis nor Arrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.tables.catalogue import CATEGORIES, INVENTORY, PRODUCTS, SUPPLIERS
from shared.tables.compliance import COMPLIANCE
from shared.tables.copilot import COPILOT
from shared.tables.customers import CUSTOMERS
from shared.tables.demand import CUSTOMER_SEGMENTS, RFM_SCORES
from shared.tables.demand_planned import DEMAND_PLANNED
from shared.tables.fulfilment import REVIEWS, SHIPMENTS
from shared.tables.history import CUSTOMERS_HISTORY, PRODUCTS_HISTORY
from shared.tables.market_intel import MARKET_INTEL
from shared.tables.market_pulse import MARKET_PULSE
from shared.tables.marketing import COMPETITOR_PRICES, EXCHANGE_RATES, MARKETING_SPEND, WEB_EVENTS
from shared.tables.model import Column, Pii, Reference, Rule, Table
from shared.tables.payments import FRAUD_LABELS, PAYMENTS
from shared.tables.pipeline import PIPELINE
from shared.tables.promotions import PROMOTION_PRODUCTS, PROMOTIONS
from shared.tables.sales import ORDER_ITEMS, ORDERS

__all__ = ["CONTRACT", "Column", "Pii", "Reference", "Rule", "Table", "tables_of"]

_CURATED = (
    CUSTOMERS,
    CATEGORIES,
    SUPPLIERS,
    PRODUCTS,
    INVENTORY,
    ORDERS,
    ORDER_ITEMS,
    PAYMENTS,
    SHIPMENTS,
    REVIEWS,
    PROMOTIONS,
    PROMOTION_PRODUCTS,
    WEB_EVENTS,
    MARKETING_SPEND,
    COMPETITOR_PRICES,
    EXCHANGE_RATES,
    FRAUD_LABELS,
    CUSTOMERS_HISTORY,
    PRODUCTS_HISTORY,
)
_PROD = (CUSTOMER_SEGMENTS, RFM_SCORES, *DEMAND_PLANNED, *MARKET_INTEL, *COMPLIANCE, *MARKET_PULSE, *COPILOT)

CONTRACT: Mapping[str, Table] = MappingProxyType({table.full_name: table for table in (*_CURATED, *_PROD, *PIPELINE)})


def tables_of(zone: str) -> tuple[Table, ...]:
    """Return the tables of `curated`, of a system's prod zone or of `pipeline`, in the order they are declared."""
    return tuple(table for table in CONTRACT.values() if table.zone == zone)
