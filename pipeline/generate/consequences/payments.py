"""The tables `payments` and `fraud_labels`, and the truth about fraud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.generate.columns import chosen, moments, money
from pipeline.generate.consequences import cards
from pipeline.generate.consequences.attempts import CHARGEBACK, attempts, charged_back_us, fees
from pipeline.generate.consequences.draws import mixed
from pipeline.generate.consequences.fraud import (
    FRIENDLY,
    HONEST,
    RING,
    SCHEMES,
    STOLEN,
    TAKEOVER,
    TESTING,
    disguise,
    plan,
    planted,
)
from pipeline.generate.consequences.habits import groups, identities
from pipeline.generate.consequences.names import coded, secrets_of
from pipeline.generate.world import DAY_US
from shared.tables.payments import METHODS, STATUSES

if TYPE_CHECKING:
    from pipeline.generate.consequences.attempts import Attempts
    from pipeline.generate.consequences.draws import Words
    from pipeline.generate.consequences.fraud import Fraud, Plan
    from pipeline.generate.consequences.habits import Groups, Identity
    from pipeline.generate.consequences.shop import Orders, Shop
    from pipeline.generate.world import Flags, Floats, Whole

SOURCES = ("chargeback", "investigator", "settled")
SETTLED_DAYS = 75
"""So long after a payment nobody can dispute it any more."""
SETTLED = 0.97
FOUND = 0.75
"""Share of the fraud without chargeback that investigators find."""
SUSPECTED = 0.012
"""Share of honest payments that investigators look at, and clear."""


def payments(shop: Shop, orders: Orders, known: Groups | None = None, by: Plan | None = None) -> dict[str, pa.Table]:
    """Return `payments` and `fraud_labels` of these orders, and the truth as `truth/fraud`.

    Args:
        shop: the shop the orders are of.
        orders: the orders.
        known: the shop's households and offices, where already worked out.
        by: the shop's plan of fraud, where already worked out.
    """
    known, by = known or groups(shop, shop.people), by or plan(shop)
    who, fraud = identities(shop, orders, known), planted(shop, orders, by)
    disguise(shop, orders, fraud, by, who)
    made = attempts(shop, orders, fraud, who)
    in_time = np.lexsort((made.key, made.authorized_us))
    for name in made.__slots__:
        setattr(made, name, getattr(made, name)[in_time])
    return {
        "payments": _payments(shop, orders, made, who),
        "fraud_labels": _labels(shop, made),
        "truth/fraud": _truth(orders, made, fraud),
    }


def payment_ids(key: Words) -> pa.Array:
    """Return the id of each payment."""
    return coded("p", key)


def _payments(shop: Shop, orders: Orders, made: Attempts, who: Identity) -> pa.Table:
    at, codes = made.at, tuple(shop.places.codes())
    till = ~orders.remote[at]
    country = np.where(till, -1, who.country[at])
    return pa.table(
        {
            "payment_id": payment_ids(made.key),
            "order_id": orders.ids.take(pa.array(at)),
            "method": chosen(METHODS, made.method),
            "amount": money(made.cents),
            "currency_code": pa.array(orders.currency[at], pa.string()),
            "status": chosen(STATUSES, made.outcome),
            "card_brand": cards.brands(made.card),
            "card_bin": cards.first_six(made.card),
            "card_last4": cards.last_four(made.card),
            "card_token": cards.tokens(made.card, shop.seed),
            "fee": money(fees(orders, made)),
            "billing_country": chosen(codes, np.where(till, -1, orders.country[at])),
            "billing_address_hmac": secrets_of(who.address[at], shop.seed, till),
            "ip_country": chosen(codes, country),
            "ip_latitude": pa.array(_jittered(shop, made, who.latitude), mask=till),
            "ip_longitude": pa.array(_jittered(shop, made, who.longitude), mask=till),
            "device_id": pc.if_else(pa.array(till), pa.scalar(None, pa.string()), coded("d", mixed(who.device[at]))),
            "merchant_category": _merchant(shop, orders).take(pa.array(at)),
            "authorized_at": moments(made.authorized_us),
            "_card": pa.array(made.card, mask=made.card < 0),
        }
    )


def _jittered(shop: Shop, made: Attempts, degrees: Floats) -> Floats:
    jitter: Floats = np.round(degrees[made.at] + shop.draws.normal("jitter", made.key) * 0.004, 4)
    return jitter


def _merchant(shop: Shop, orders: Orders) -> pa.Array:
    """Return the merchant category of each order: that of its first line's department."""
    department = np.full(orders.count, -1)
    department[orders.line_order[::-1]] = shop.products.department[orders.line_product[::-1]]
    return chosen(shop.merchant_codes, department)


def _labels(shop: Shop, made: Attempts) -> pa.Table:
    is_fraud = made.scheme != HONEST
    charged = made.outcome == CHARGEBACK
    draws, key = shop.draws, made.key
    looked = np.where(is_fraud, draws.chance(FOUND, "found", key), draws.chance(SUSPECTED, "suspected", key))
    looked &= ~charged & (made.scheme != FRIENDLY)
    investigated = made.authorized_us + ((1 + 4 * draws.uniform("investigated", key)) * DAY_US).astype(np.int64)
    settled = made.authorized_us + SETTLED_DAYS * DAY_US + draws.below(DAY_US, "settled at", key)
    source = np.where(charged, 0, np.where(looked, 1, 2))
    when = np.where(charged, charged_back_us(shop, made), np.where(looked, investigated, settled))
    # What nobody disputes or finds is never labelled; nor is some of what is honest.
    silent = (source == 2) & (is_fraud | ~draws.chance(SETTLED, "settled", key))
    there = np.nonzero(~silent & (when < shop.end_us))[0]
    there = there[np.argsort(when[there], kind="stable")]
    return pa.table(
        {
            "payment_id": payment_ids(key[there]),
            "is_fraud": pa.array(is_fraud[there]),
            "labelled_at": moments(when[there]),
            "label_source": chosen(SOURCES, source[there]),
        }
    )


def _truth(orders: Orders, made: Attempts, fraud: Fraud) -> pa.Table:
    there = np.nonzero(made.scheme != HONEST)[0]
    scheme = made.scheme[there]
    episode: Whole = fraud.episode[made.at[there]]
    return pa.table(
        {
            "payment_id": payment_ids(made.key[there]),
            "order_id": orders.ids.take(pa.array(made.at[there])),
            "scheme": chosen(SCHEMES, scheme),
            "ring_id": _numbered("ring", episode, scheme == RING),
            "episode_id": _numbered("episode", episode, np.isin(scheme, (STOLEN, TAKEOVER, TESTING))),
            "authorized_at": moments(made.authorized_us[there]),
        }
    )


def _numbered(prefix: str, number: Whole, where: Flags) -> pa.Array:
    text = pc.binary_join_element_wise(pa.scalar(prefix), pa.array(number).cast(pa.string()), "-")
    return pc.if_else(pa.array(where), text, pa.scalar(None, pa.string()))
