"""What an expert would look at: velocity, degrees in the graph of accounts, cards and devices, distance from home."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Numbers = NDArray[Any]
HOUR = 3_600_000_000
LINKS = (
    ("device_id", "who"), ("device_id", "card_token"), ("card_token", "who"), ("card_token", "device_id"),
    ("who", "device_id"), ("who", "card_token"), ("order_id", "card_token"), ("billing_address_hmac", "who"),
    ("card_token", "billing_address_hmac"), ("device_id", "billing_address_hmac"),
)  # fmt: skip


def joined(payments: pa.Table, orders: pa.Table, customers: pa.Table, truth: pa.Table) -> pa.Table:
    """Return the payments in order of time, with what is known of their orders and customers, and `is_fraud`."""
    known = orders.select(["order_id", "customer_id", "total"]).append_column("order_status", orders["status"])
    where = customers.select(["customer_id", "latitude", "longitude", "registered_at"])
    rows = payments.join(known, "order_id").join(where, "customer_id").combine_chunks()
    guest = pc.binary_join_element_wise("guest", rows["order_id"], "-")
    rows = rows.append_column("who", pc.coalesce(rows["customer_id"], guest))
    rows = rows.append_column("is_fraud", pc.is_in(rows["payment_id"], value_set=truth["payment_id"]))
    return rows.sort_by([("authorized_at", "ascending"), ("payment_id", "ascending")])


def features(rows: pa.Table) -> dict[str, Numbers]:
    """Return the oracle's features, each from what was there up to the payment."""
    time = rows["authorized_at"].cast(pa.int64()).to_numpy()
    codes = {name: coded(rows[name]) for name in {name for link in LINKS for name in link}}
    made = {
        f"{name} within {hours} h": velocity(codes[name], time, hours)
        for name in ("card_token", "device_id", "who", "order_id", "billing_address_hmac")
        for hours in (1, 24, 24 * 30)
    }
    made |= {f"{of} of {by}": degree(codes[by], codes[of]) for by, of in LINKS}
    made["km from home"] = distance(
        *(number(rows, n) for n in ("latitude", "longitude", "ip_latitude", "ip_longitude"))
    )
    made["days known"] = (time - rows["registered_at"].cast(pa.int64()).to_numpy(zero_copy_only=False)) / HOUR / 24
    made["amount"], made["share"] = number(rows, "amount"), number(rows, "amount") / number(rows, "total")
    made["guest"] = coded(rows["customer_id"]) < 0
    for status in ("failed", "refunded", "chargeback"):
        made[status] = pc.equal(rows["status"], status).to_numpy(zero_copy_only=False)
    claimed = made["refunded"] & pc.equal(rows["order_status"], "delivered").to_numpy(zero_copy_only=False)
    made["claims"] = np.bincount(codes["who"], claimed)[codes["who"]] * claimed
    return {name: np.asarray(values, dtype=np.float64) for name, values in made.items()}


def coded(column: pa.ChunkedArray) -> Numbers:
    """Return a number for each distinct value, -1 for null."""
    return pc.fill_null(column.combine_chunks().dictionary_encode().indices, -1).to_numpy().astype(np.int64)


def number(rows: pa.Table, name: str) -> Numbers:
    """Return a column as floats, null as NaN."""
    return rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False)


def velocity(code: Numbers, time: Numbers, hours: int) -> Numbers:
    """Return how many rows of the same code there were in the hours before each row."""
    span = np.int64(time.max() - time.min() + 1 + hours * HOUR)
    place = (code + 1) * span + (time - time.min()) + hours * HOUR
    order = np.argsort(place, kind="stable")
    ranked = place[order]
    made = np.empty(len(code))
    made[order] = np.arange(len(code)) - np.searchsorted(ranked, ranked - hours * HOUR)
    return np.where(code < 0, 0, made)


def degree(by: Numbers, of: Numbers) -> Numbers:
    """Return how many different `of` each `by` was seen with so far."""
    _, first = np.unique((by + 1) * (of.max() + 2) + of + 1, return_index=True)
    fresh = np.zeros(len(by))
    fresh[first] = 1
    order = np.argsort(by, kind="stable")
    total = np.cumsum(fresh[order])
    start = np.searchsorted(by[order], by[order])
    made = np.empty(len(by))
    made[order] = total - total[start] + fresh[order][start]
    return np.where((by < 0) | (of < 0), 0, made)


def distance(latitude: Numbers, longitude: Numbers, other_latitude: Numbers, other_longitude: Numbers) -> Numbers:
    """Return kilometres between two places (haversine)."""
    a, b, c, d = (np.radians(each) for each in (latitude, longitude, other_latitude, other_longitude))
    h = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    return 2 * 6371 * np.arcsin(np.sqrt(np.clip(h, 0, 1)))
