"""Orders of three months, of which each month says when it was written."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa

from shared.tables import CONTRACT

ORDERS, ARCHIVE = "curated.orders", "archive.orders"
MONTHS = ("2017-03", "2017-04", "2017-05")
SCHEMA = CONTRACT[ORDERS].arrow_schema()
NOW = datetime(2017, 7, 1, tzinfo=UTC)


def orders(ids: Mapping[str, str], stamp: int = 0) -> pa.Table:
    """Return orders by id and month; `stamp` is what each cost."""
    cost, nothing = Decimal(stamp), Decimal(0)
    rows = [
        {
            "order_id": name,
            "customer_id": None,
            "ordered_at": datetime.fromisoformat(f"{month}-01T00:00:00+00:00") + timedelta(minutes=number % 40_000),
            "status": "paid",
            "channel": "online",
            "country": "US",
            "currency_code": "USD",
            "subtotal": cost,
            "discount": nothing,
            "shipping": nothing,
            "tax": nothing,
            "total": cost,
            "_ingested_at": NOW,
            "_source": "test",
            "_quality_score": 1.0,
        }
        for number, (name, month) in enumerate(ids.items())
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def month(name: str, count: int, stamp: int) -> pa.Table:
    """Return so many orders of one month, all of one stamp."""
    return orders({f"{name} {number}": name for number in range(count)}, stamp)
