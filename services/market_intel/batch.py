"""The tables of the market_intel zone: each function is found here by the name of what it makes."""

from services.market_intel.analytics.batch import (
    competitive_pricing,
    customer_daily,
    marketing_daily,
    orders_monthly,
    payments_daily,
    price_wars,
    product_performance,
    revenue_daily,
    revenue_drivers,
    revenue_hourly,
    sales_by_trait_monthly,
    sales_daily,
    sales_monthly,
    shipping_daily,
    trends,
)
from services.market_intel.forecasting.batch import MAKES, forecast_tables

__all__ = [
    "MAKES",
    "competitive_pricing",
    "customer_daily",
    "forecast_tables",
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
