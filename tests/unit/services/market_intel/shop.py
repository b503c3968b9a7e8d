"""A small shop in a lake of its own: a year and a half of days in two regions, and sixty days of orders with lines."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa

from shared.lake import Lake
from shared.tables import CONTRACT

FIRST, CLOCK = dt.date(2016, 1, 1), dt.date(2017, 6, 29)
"""A Friday, and a Thursday: the first and the last week are not whole."""
MADE_AT = dt.datetime(2017, 7, 1, 3, tzinfo=dt.UTC)
CUTS = (("online", "CA", 3), ("online", "NY", 2), ("store", "NY", 1))
"""Channel, region and orders a day; of each order two units and 10.50 USD, the double on Saturdays."""


def days() -> list[dt.date]:
    return [FIRST + dt.timedelta(days=n) for n in range((CLOCK - FIRST).days + 1)]


def weight(day: dt.date) -> int:
    return 2 if day.weekday() == 5 else 1


def filled(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows in the columns of a table; what is not said of a number is 0, of a text empty."""
    schema = CONTRACT[table].arrow_schema()
    tail: dict[str, Any] = {"data_through_on": CLOCK, "computed_at": MADE_AT, "_ingested_at": MADE_AT}
    blank = {field.name: blank_of(field) for field in schema}
    return pa.Table.from_pylist([{**blank, **tail, **row} for row in rows], schema)


def blank_of(field: pa.Field) -> Any:
    if field.nullable:
        return None
    if pa.types.is_decimal(field.type):
        return Decimal(0)
    if pa.types.is_boolean(field.type):
        return False
    if pa.types.is_date(field.type):
        return CLOCK
    if pa.types.is_timestamp(field.type):
        return MADE_AT
    return "" if pa.types.is_string(field.type) or pa.types.is_large_string(field.type) else 0


def daily_rows() -> list[dict[str, Any]]:
    return [
        {
            "ds": day,
            "channel": channel,
            "device_type": "desktop",
            "country": "US",
            "region": region,
            "currency_code": "USD",
            "orders": orders * weight(day),
            "valid_orders": orders * weight(day),
            "units": 2 * orders * weight(day),
            "revenue": Decimal("10.50") * orders * weight(day),
        }
        for day in days()
        for channel, region, orders in CUTS
    ]


def category_rows() -> list[dict[str, Any]]:
    """Return sales by category: toys in CA every day, teddies (below toys) in NY on Saturdays alone."""
    place = {"channel": "online", "country": "US", "currency_code": "USD", "department_id": "toys"}
    rows = []
    for day in days():
        sold = {"ds": day, "category_id": "toys", "region": "CA", "units": 5, "sales": Decimal("20.00")}
        rows.append({**place, **sold})
        if day.weekday() == 5:
            rows.append({**place, **sold, "category_id": "teddies", "region": "NY", "units": 1})
    return rows


def order_rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return an order for each of the last sixty days, every tenth cancelled, and its lines: two of the bear."""
    orders, items = [], []
    for n, day in enumerate(days()[-60:]):
        key = f"o{n:03}"
        moment = dt.datetime(day.year, day.month, day.day, 23, 30, tzinfo=dt.UTC)
        orders.append(
            {
                "order_id": key,
                "ordered_at": moment,
                "status": "cancelled" if n % 10 == 0 else "delivered",
                "channel": "online",
                "country": "US",
                "region": "CA",
                "currency_code": "USD",
            }
        )
        for line, product in enumerate(("bear", "bear", "ball")):
            amounts = {"quantity": 1 + line, "line_total": Decimal("5.25"), "currency_code": "USD", "_dated_on": day}
            items.append({"order_id": key, "line_number": line + 1, "product_id": product, **amounts})
    return orders, items


def forecast_rows() -> list[dict[str, Any]]:
    """Return what a run would have forecast: of the whole, the regions and a category that is named as one of them."""
    series = (("total", "all"), ("region", "CA"), ("region", "NY"), ("category", "NY"))
    return [
        {
            "metric": metric,
            "frequency": "day",
            "level": level,
            "series_id": name,
            "region": name if level == "region" else None,
            "ds": CLOCK + dt.timedelta(days=ahead),
            "horizon": ahead,
            "mean": 10.0 * ahead,
            "chosen_model": "theta",
            "model_name": "market_intel.forecasts",
            "model_version": "1.0.0",
        }
        for metric in ("revenue", "orders")
        for level, name in series
        for ahead in range(1, 8)
    ]


def stock(lake: Lake) -> None:
    """Put the shop into a lake."""
    orders, items = order_rows()
    categories = [
        {"category_id": "toys", "name": "Toys and games"},
        {"category_id": "teddies", "name": "Teddies", "parent_category_id": "toys"},
    ]
    products = [{"product_id": "bear", "category_id": "teddies"}, {"product_id": "ball", "category_id": "toys"}]
    for table, rows in {
        "market_intel.revenue_daily": daily_rows(),
        "market_intel.sales_daily": category_rows(),
        "market_intel.forecasts": forecast_rows(),
        "curated.orders": orders,
        "curated.order_items": items,
        "curated.products": products,
        "curated.categories": categories,
    }.items():
        lake.overwrite(table, filled(table, rows))
