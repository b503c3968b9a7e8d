"""What a shop's own database has and the lake must never see: card numbers, addresses, e-mail, phones; all made up.

A card number follows from the card's id, so that cards that are one stay one. It passes Luhn and is nobody's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.generate.consequences.cards import pans
from pipeline.generate.people import emails

STREETS = ("Oak Street", "Station Road", "Mill Lane", "High Street", "Garden Way", "Lake View", "Church Road")
CARD = "_card"
GONE = (CARD, "email_masked", "email_hmac", "card_token", "billing_address_hmac", "address_hmac")
"""What the lake has in place of the private columns; in the shop it is empty."""


def private(table: str, rows: pa.Table) -> pa.Table:
    """Return the rows of a table as the shop has them."""
    made = MAKERS.get(table)
    return rows if made is None else made(rows)


def _customers(rows: pa.Table) -> pa.Table:
    index = np.array([int(each[1:]) for each in rows["customer_id"].to_pylist()], dtype=np.int64)
    return _with(
        rows,
        {
            "email": emails(index),
            "phone": [f"+1555{i % 10_000_000:07}" for i in index.tolist()],
            "address_line1": [_street(str(i)) for i in index.tolist()],
            "postal_code": [_postal(str(i)) for i in index.tolist()],
            "date_of_birth": [date(1940, 1, 1) + timedelta(days=i * 7919 % 23_000) for i in index.tolist()],
            "password_hash": [f"$argon2id$v=19$m=19456,t=2,p=1${_digest(f'p{i}')[:22]}" for i in index.tolist()],
        },
    )


def _payments(rows: pa.Table) -> pa.Table:
    addresses = rows["billing_address_hmac"].to_pylist()
    # Without a card in the row nothing says which number it was: paid otherwise, or the part that knows is not there.
    card = np.asarray(rows[CARD].fill_null(-1)) if CARD in rows.schema.names else np.full(rows.num_rows, -1)
    paid = card.tolist()
    return _with(
        rows,
        {
            "card_number": pc.if_else(pa.array(card >= 0), pans(np.maximum(card, 0)), None),
            "cvv": [f"{each * 7919 % 1000:03}" if each >= 0 else None for each in paid],
            "card_expiry": [f"{each % 12 + 1:02}/2029" if each >= 0 else None for each in paid],
            "card_holder": ["Card Holder" if each >= 0 else None for each in paid],
            "billing_address_line1": [_street(address) if address else None for address in addresses],
            "billing_postal_code": [_postal(address) if address else None for address in addresses],
        },
    )


def _shipments(rows: pa.Table) -> pa.Table:
    addresses = rows["address_hmac"].to_pylist()
    return _with(
        rows,
        {
            "address_line1": [_street(address) if address else None for address in addresses],
            "postal_code": [_postal(address) if address else None for address in addresses],
        },
    )


def _with(rows: pa.Table, columns: Mapping[str, Iterable[object]]) -> pa.Table:
    kept = rows.drop_columns([name for name in GONE if name in rows.schema.names])
    for name, values in columns.items():
        kept = kept.append_column(name, pa.array(values, pa.date32() if name == "date_of_birth" else pa.string()))
    return kept


def _street(address: str) -> str:
    number = int(_digest(address)[:8], 16)
    return f"{number // 7 % 400 + 1} {STREETS[number % 7]}"


def _postal(address: str) -> str:
    return f"{int(_digest(address)[8:16], 16) % 100_000:05}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


MAKERS: Mapping[str, Callable[[pa.Table], pa.Table]] = MappingProxyType(
    {"customers": _customers, "payments": _payments, "shipments": _shipments}
)
