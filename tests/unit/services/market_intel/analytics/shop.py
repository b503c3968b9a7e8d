"""A small shop drawn at random, as curated tables, and its analytics in plain Python, written from the definitions."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from shared.tables import CONTRACT

CLOCK = dt.date(2017, 6, 29)
FIRST = dt.datetime(2017, 3, 1, tzinfo=dt.UTC)
PLAIN = {
    "VARCHAR": "x",
    "TIMESTAMP": FIRST,
    "DATE": FIRST.date(),
    "DOUBLE": 1.0,
    "DECIMAL(18,2)": Decimal(0),
    "DECIMAL(18,4)": Decimal(0),
    "INT": 1,
    "SMALLINT": 1,
    "BIGINT": 1,
    "BOOLEAN": True,
}
PRODUCTS = {
    # product: (category, brand, list price, unit cost, currency)
    "p1": ("tea", "Leaf", 1000, 600, "USD"),
    "p2": ("tea", None, 2000, None, "USD"),
    "p3": ("coffee", "Bean", 500, 450, "USD"),
    "p4": ("toys", "Bean", 700, 100, "EUR"),
    "p5": ("gone", "Leaf", 300, 200, "USD"),
}
DEPARTMENT = {"tea": "food", "coffee": "food", "toys": "toys", "gone": "gone"}
USD = {"currency_code": "USD"}
Row = Mapping[str, Any]


def table(name: str, rows: Iterable[Row]) -> pa.Table:
    """Return rows of a contract table; what they leave out is filled with something plain."""
    contract = CONTRACT[name]
    plain = {c.name: None if c.nullable else PLAIN[c.type] for c in contract.columns}
    return pa.Table.from_pylist([{**plain, **row} for row in rows], contract.arrow_schema())


def money(cents: int) -> Decimal:
    return Decimal(cents) / 100


class Shop:
    """Orders, lines, payments, parcels, spend and prices of four months, a few orders after the clock among them."""

    def __init__(self, seed: int, count: int = 150) -> None:
        rng = random.Random(seed)
        self.orders: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self.payments: list[dict[str, Any]] = []
        self.parcels: list[dict[str, Any]] = []
        self.spend = [
            {
                "spend_on": FIRST.date() + dt.timedelta(days=n),
                "channel": channel,
                "campaign_id": "c",
                "amount": money(rng.randrange(9_999)),
                "currency_code": "USD",
            }
            for n in range(125)
            for channel in ("email", "social")
        ]
        for number in range(count):
            self._order(rng, f"o{number:03}")

    def _order(self, rng: random.Random, order_id: str) -> None:
        at = FIRST + dt.timedelta(minutes=rng.randrange(122 * 24 * 60))
        lines = [self._line(rng, order_id, n + 1, at.date()) for n in range(rng.randrange(4))]
        shipping, tax = rng.randrange(500), rng.randrange(300)
        sales = sum((line["line_total"] for line in lines), Decimal(0))
        order = {
            "order_id": order_id,
            "customer_id": rng.choice([None, *(f"c{n}" for n in range(12))]),
            "ordered_at": at,
            "status": rng.choice(["delivered", "delivered", "paid", "cancelled", "returned"]),
            "channel": rng.choice(["online", "store"]),
            "device_type": rng.choice([None, "desktop", "pos"]),
            "country": rng.choice(["US", "DE"]),
            "region": rng.choice([None, "North", "South"]),
            "currency_code": "USD",
            "subtotal": sales,
            "shipping": money(shipping),
            "tax": money(tax),
            "total": sales + money(shipping + tax),
        }
        self.orders.append(order)
        self.lines += lines
        for n in range(rng.randrange(3)):
            self.payments.append(
                {
                    "payment_id": f"{order_id}-{n}",
                    "order_id": order_id,
                    "method": rng.choice(["card", "cash", "paypal"]),
                    "amount": money(rng.choice([500, 500, 900])),
                    "currency_code": "USD",
                    "status": rng.choice(["captured", "captured", "failed"]),
                    "fee": rng.choice([None, money(rng.randrange(50))]),
                    "authorized_at": at,
                }
            )
        if rng.random() < 0.5:
            self.parcels.append(
                {
                    "shipment_id": f"s{order_id}",
                    "order_id": order_id,
                    "cost": money(rng.randrange(900)),
                    "currency_code": "USD",
                }
            )

    @staticmethod
    def _line(rng: random.Random, order_id: str, number: int, day: dt.date) -> dict[str, Any]:
        product, quantity = rng.choice(list(PRODUCTS)), rng.randrange(1, 5)
        price = PRODUCTS[product][2] + rng.choice([0, 0, -100, 50])
        return {
            "order_id": order_id,
            "line_number": number,
            "product_id": product,
            "quantity": quantity,
            "line_total": money(quantity * price),
            "currency_code": "USD",
            "_dated_on": day,
        }

    def tables(self) -> dict[str, pa.Table]:
        """Return the curated tables."""
        products = [
            {
                "product_id": key,
                "name": f"Name {key}",
                "category_id": c,
                "brand": b,
                "list_price": money(p),
                "unit_cost": None if u is None else money(u),
                "currency_code": m,
            }
            for key, (c, b, p, u, m) in PRODUCTS.items()
        ]
        categories = [
            {"category_id": "food", "name": "Food", "parent_category_id": None},
            {"category_id": "toys", "name": "Toys", "parent_category_id": None},
            {"category_id": "drinks", "name": "Drinks", "parent_category_id": "food"},
            {"category_id": "tea", "name": "Tea", "parent_category_id": "drinks"},
            {"category_id": "coffee", "name": "Coffee", "parent_category_id": "food"},
        ]
        rows = {
            "orders": self.orders,
            "order_items": self.lines,
            "products": products,
            "categories": categories,
            "payments": self.payments,
            "shipments": self.parcels,
            "marketing_spend": self.spend,
        }
        return {f"curated.{name}": table(f"curated.{name}", each) for name, each in rows.items()}

    def valid(self) -> list[dict[str, Any]]:
        """Return the valid orders of complete days."""
        return [
            o for o in self.orders if o["status"] not in ("cancelled", "returned") and o["ordered_at"].date() <= CLOCK
        ]

    def sold(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return each line of a valid order with its order."""
        by_id = {order["order_id"]: order for order in self.valid()}
        return [(line, by_id[line["order_id"]]) for line in self.lines if line["order_id"] in by_id]


def sums(rows: Iterable[Any], key: Callable[[Any], Any], value: Callable[[Any], Any]) -> dict[Any, Any]:
    """Return sums by key, those of 0 left out."""
    found: dict[Any, Any] = defaultdict(Decimal)
    for row in rows:
        found[key(row)] += value(row)
    return {key: value for key, value in found.items() if value}


def place(order: Row) -> tuple[str, str, str]:
    """Return channel, country and region of an order."""
    return order["channel"], order["country"], order["region"] or "unknown"


def in_money(rows: pa.Table, currency: str) -> pa.Table:
    """Return the rows with every amount in a currency."""
    place = rows.schema.get_field_index("currency_code")
    return rows.set_column(place, rows.schema.field(place), pa.array([currency] * rows.num_rows))
