"""Small tables of the contract, made by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa

from shared.tables import CONTRACT

NOW = datetime(2017, 7, 1, 12, 30, tzinfo=UTC)
TAIL = {"_ingested_at": NOW, "_source": "test", "_quality_score": 1.0}


def categories(*ids: str, name: str = "Bread") -> pa.Table:
    rows = [{"category_id": i, "name": name, "parent_category_id": None, **TAIL} for i in ids]
    return pa.Table.from_pylist(rows, schema=CONTRACT["curated.categories"].arrow_schema())


def customers(**region_of: str | None) -> pa.Table:
    rows = [
        {"customer_id": i, "full_name": f"Name {i}", "country": "US", "region": region, **TAIL}
        for i, region in region_of.items()
    ]
    return pa.Table.from_pylist(rows, schema=CONTRACT["curated.customers"].arrow_schema())


def ids(table: pa.Table) -> list[str]:
    return sorted(table.column(0).to_pylist())


def orders(day_of: dict[str, str], total: str = "10.00") -> pa.Table:
    """Orders by id and day, such as {"a": "2017-03-05"}."""
    amount = Decimal(total)
    rows = [
        {
            "order_id": name,
            "customer_id": None,
            "ordered_at": datetime.fromisoformat(f"{day}T12:00:00+00:00"),
            "status": "paid",
            "channel": "online",
            "country": "US",
            "currency_code": "USD",
            "subtotal": amount,
            "discount": Decimal(0),
            "shipping": Decimal(0),
            "tax": Decimal(0),
            "total": amount,
            **TAIL,
        }
        for name, day in day_of.items()
    ]
    return pa.Table.from_pylist(rows, schema=CONTRACT["curated.orders"].arrow_schema())


def shipments(day_of: dict[str, str | None]) -> pa.Table:
    """Parcels by id and the day they left, None for those still here."""
    rows = [
        {
            "shipment_id": name,
            "order_id": f"order of {name}",
            "carrier": "Post",
            "status": "pending",
            "destination_country": "US",
            "shipped_at": datetime.fromisoformat(f"{day}T12:00:00+00:00") if day else None,
            "cost": Decimal("4.50"),
            "currency_code": "USD",
            **TAIL,
        }
        for name, day in day_of.items()
    ]
    return pa.Table.from_pylist(rows, schema=CONTRACT["curated.shipments"].arrow_schema())
