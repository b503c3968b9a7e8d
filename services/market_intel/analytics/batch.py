"""The batch functions of market analytics, for services/market_intel/batch.py to show the pipeline.

Each stands where its definitions do, with its TIES and LINEAGE beside it.
"""

from services.market_intel.analytics.costs import marketing_daily, shipping_daily
from services.market_intel.analytics.cuts import (
    customer_daily,
    payments_daily,
    revenue_daily,
    revenue_hourly,
    sales_daily,
    sales_monthly,
)
from services.market_intel.analytics.monthly import revenue_drivers
from services.market_intel.analytics.prices import competitive_pricing
from services.market_intel.analytics.products import product_performance
from services.market_intel.analytics.traits import orders_monthly, sales_by_trait_monthly
from services.market_intel.analytics.trends import trends
from services.market_intel.analytics.wars import price_wars

__all__ = [
    "competitive_pricing",
    "customer_daily",
    "marketing_daily",
    "orders_monthly",
    "payments_daily",
    "price_wars",
    "product_performance",
    "revenue_daily",
    "revenue_drivers",
    "revenue_hourly",
    "sales_by_trait_monthly",
    "sales_daily",
    "sales_monthly",
    "shipping_daily",
    "trends",
]
