"""Every attempt to pay: the payment that counts, refused ones before it, checks of a card, parts paid by gift card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.generate.consequences.draws import mixed
from pipeline.generate.consequences.fraud import FRIENDLY, HONEST, REFUND, RING, STOLEN, TAKEOVER, TESTING
from pipeline.generate.consequences.habits import card_id, persons
from pipeline.generate.world import CANCELLED, DAY_US, DELIVERED, HOUR_US, PENDING, RETURNED, SECOND_US
from shared.tables.payments import METHODS
from shared.tables.payments import STATUSES as OUTCOMES

if TYPE_CHECKING:
    from pipeline.generate.consequences.draws import Words
    from pipeline.generate.consequences.fraud import Fraud
    from pipeline.generate.consequences.habits import Identity
    from pipeline.generate.consequences.shop import Orders, Shop
    from pipeline.generate.world import Flags, Floats, Whole

CARD, PAYPAL, TRANSFER, GIFT_CARD, CASH = range(len(METHODS))
AUTHORIZED, CAPTURED, FAILED, REFUNDED, CHARGEBACK = range(len(OUTCOMES))
WEB_METHODS = {
    "US": (0.74, 0.20, 0.02, 0.04, 0.0), "GB": (0.70, 0.23, 0.03, 0.04, 0.0), "DE": (0.34, 0.36, 0.27, 0.03, 0.0),
    "FR": (0.76, 0.16, 0.05, 0.03, 0.0), "JP": (0.72, 0.06, 0.18, 0.04, 0.0), "PL": (0.40, 0.10, 0.47, 0.03, 0.0),
    "BR": (0.52, 0.08, 0.37, 0.03, 0.0), "IN": (0.48, 0.05, 0.44, 0.03, 0.0), "SE": (0.62, 0.10, 0.25, 0.03, 0.0),
}  # fmt: skip
"""Shares of the methods by country, in the order of METHODS."""
ELSEWHERE = (0.70, 0.18, 0.08, 0.04, 0.0)
TILL_METHODS = (0.66, 0.0, 0.0, 0.05, 0.29)
OUTCOME_OF = {
    STOLEN: (0.0, 0.33, 0.15, 0.10, 0.42), TAKEOVER: (0.0, 0.35, 0.08, 0.12, 0.45), RING: (0.0, 0.54, 0.06, 0.05, 0.35),
    TESTING: (0.0, 0.50, 0.30, 0.0, 0.20), REFUND: (0.0, 0.0, 0.0, 1.0, 0.0), FRIENDLY: (0.0, 0.15, 0.0, 0.0, 0.85),
}  # fmt: skip
"""Shares of the outcomes of a fraudulent payment, in the order of OUTCOMES."""
REFUSED = {HONEST: 0.045, STOLEN: 0.40, TAKEOVER: 0.30, RING: 0.12, TESTING: 0.0, REFUND: 0.045, FRIENDLY: 0.045}
"""Chance of a refused attempt before the payment."""
DISPUTED = 0.0012
"""Share of honest card payments that are charged back: a parcel lost, a quarrel, forgetfulness."""
GOODWILL = 0.007
"""Share of honest orders refunded though delivered."""
CHECKED = 0.02
"""Share of card payments that come with a small authorisation to check the card."""
SPLIT = 0.015
MAIN, GIFT_PART, CHECK, REFUSAL, TEST = 0, 1, 2, 4, 8
"""First slot of each kind: key and slot name a payment."""
SLOTS = 64


@dataclass(slots=True)
class Attempts:
    """One entry an attempt in every array."""

    at: Whole
    """Index of the order."""
    slot: Whole
    key: Words
    method: Whole
    cents: Whole
    outcome: Whole
    authorized_us: Whole
    scheme: Whole
    card: Whole
    """-1 where no card was used."""


def attempts(shop: Shop, orders: Orders, fraud: Fraud, who: Identity) -> Attempts:
    """Return every attempt, orders that cost nothing left out; not yet in order of time."""
    at, slot = _laid_out(shop, orders, fraud)
    key = mixed((orders.key[at] * np.uint64(SLOTS) + slot.astype(np.uint64)) ^ shop.draws.words("payment"))
    by = _methods(shop, orders, fraud)
    method = np.where(slot == GIFT_PART, GIFT_CARD, by[at])
    made = Attempts(
        at=at,
        slot=slot,
        key=key,
        method=method,
        cents=_cents(shop, orders, at, slot, key),
        outcome=np.full(len(at), FAILED),
        authorized_us=_times(shop, orders, at, slot, method),
        scheme=fraud.scheme[at],
        card=np.where(method == CARD, who.card[at], -1),
    )
    tested = (slot >= TEST) & (made.card >= 0)
    made.card = np.where(tested, card_id(shop.draws.words("tested", key)), made.card)
    # A check of an abuser's or a friendly fraudster's card is nobody's fraud.
    made.scheme[(slot != MAIN) & np.isin(made.scheme, (REFUND, FRIENDLY))] = HONEST
    made.outcome = _outcomes(shop, orders, made)
    return made


def charged_back_us(shop: Shop, made: Attempts) -> Whole:
    """Return when a payment is charged back, should it be: 5 to 60 days later."""
    days = 5 + 55 * shop.draws.uniform("chargeback", made.key) ** 1.3
    charged: Whole = made.authorized_us + (days * DAY_US).astype(np.int64)
    return charged


def _laid_out(shop: Shop, orders: Orders, fraud: Fraud) -> tuple[Whole, Whole]:
    """Return order and slot of every attempt."""
    draws, key = shop.draws, orders.key
    paid = orders.total_cents > 0
    card = _methods(shop, orders, fraud) == CARD
    calm = fraud.scheme != TESTING
    split = paid & calm & draws.chance(SPLIT, "split", key) & (orders.total_cents > 400)
    check = paid & calm & card & orders.remote & draws.chance(CHECKED, "check", key)
    chance = np.array([REFUSED[scheme] for scheme in range(HONEST, FRIENDLY + 1)])[fraud.scheme + 1]
    refusals = np.where(paid & card & draws.chance(chance, "refused", key), 1 + draws.below(2, "refusals", key), 0)
    tests = np.where(paid & ~calm, 4 + draws.below(13, "tests", key), 0)
    parts = [_repeated(paid.astype(np.int64), MAIN), _repeated(split.astype(np.int64), GIFT_PART)]
    parts += [_repeated(check.astype(np.int64), CHECK), _repeated(refusals, REFUSAL), _repeated(tests, TEST)]
    at, slot = (np.concatenate(each) for each in zip(*parts, strict=True))
    return at, slot


def _repeated(times: Whole, slot: int) -> tuple[Whole, Whole]:
    at = np.repeat(np.arange(len(times)), times)
    first = np.repeat(np.cumsum(times) - times, times)
    return at, slot + np.arange(len(at)) - first


def _methods(shop: Shop, orders: Orders, fraud: Fraud) -> Whole:
    """Return how each order is paid: what its customer is used to in this country, at the till or from afar."""
    codes = shop.places.codes()
    web = np.cumsum(np.array([WEB_METHODS.get(code, ELSEWHERE) for code in codes]), axis=1)
    bounds = np.where(orders.remote[:, None], web[orders.country], np.cumsum(TILL_METHODS)[None, :])
    who = persons(shop, orders)
    used = np.where(shop.draws.chance(0.8, "as ever", orders.key), who, orders.key)
    at = shop.draws.uniform("method", used, orders.remote)
    made: Whole = np.minimum((at[:, None] >= bounds).sum(axis=1), CASH)
    needs_card = np.isin(fraud.scheme, (STOLEN, RING, TESTING, FRIENDLY))
    taken = (fraud.scheme == TAKEOVER) & (made != PAYPAL)
    return np.where(needs_card | taken, CARD, made)


def _cents(shop: Shop, orders: Orders, at: Whole, slot: Whole, key: Words) -> Whole:
    """Return what is tried: the order's total, its parts, or for a check and a test a small sum."""
    total, draws = orders.total_cents[at], shop.draws
    share = 0.1 + 0.7 * draws.uniform("gift share", orders.key[at])
    whole = np.array([country.decimals == 0 for country in shop.places.countries])[orders.country[at]]
    step = np.where(whole, 100, 1)
    gift = np.maximum((total * share).astype(np.int64) // step * step, step)
    has_gift = np.zeros(orders.count, dtype=bool)
    has_gift[at[slot == GIFT_PART]] = True
    rest = np.where(has_gift[at], total - gift, total)
    small_usd = np.exp(draws.normal("small", key) * 0.7 + 0.4)
    small = np.maximum(np.rint(small_usd * orders.per_usd[at] * 100 / step).astype(np.int64), 1) * step
    made: Whole = np.where(slot == GIFT_PART, gift, np.where((slot == CHECK) | (slot >= TEST), small, rest))
    return made


def _times(shop: Shop, orders: Orders, at: Whole, slot: Whole, method: Whole) -> Whole:
    """Return when each attempt is made: some seconds after the order and one after the other, the counting one last."""
    draws, key = shop.draws, orders.key[at]
    think = np.exp(draws.normal("think", orders.key) * 0.8 + 3.3)[at]
    before = np.bincount(at[(slot >= REFUSAL)], minlength=orders.count)[at]
    place = np.where(slot >= TEST, slot - TEST, np.where(slot >= REFUSAL, slot - REFUSAL, before))
    pace = np.where(before > 3, 12.0, 50.0)
    seconds = think + pace * (place + 0.6 * draws.uniform("pace", key, slot))
    seconds = np.where(slot == CHECK, think * 0.3, seconds)
    hours = np.where(method == TRANSFER, 1 + 40 * draws.uniform("transfer", key), 0)
    made = orders.ordered_us[at] + (seconds * SECOND_US + hours * HOUR_US).astype(np.int64)
    left = shop.end_us - 1 - orders.ordered_us[at]
    late = orders.ordered_us[at] + (left * draws.uniform("late", key, slot)).astype(np.int64)
    return np.where(made < shop.end_us, made, late)


def _outcomes(shop: Shop, orders: Orders, made: Attempts) -> Whole:
    status = orders.status[made.at]
    outcome = _honest(shop, status, made)
    for scheme, shares in OUTCOME_OF.items():
        hit = (made.scheme == scheme) & (made.slot == MAIN) & (status != CANCELLED) & (status != RETURNED)
        outcome[hit] = shop.draws.picked(np.array(shares), "fraud outcome", made.key[hit])
    # Cancelled and returned orders give the money back whoever paid; a chargeback that is not in yet is not known.
    early = (outcome == CHARGEBACK) & (charged_back_us(shop, made) >= shop.end_us)
    outcome[early] = CAPTURED
    outcome[(made.slot >= REFUSAL) & (made.slot < TEST)] = FAILED
    tested = made.slot >= TEST
    passed = shop.draws.chance(0.3, "test passed", made.key)
    outcome[tested] = np.where(passed, AUTHORIZED, FAILED)[tested]
    outcome[made.slot == CHECK] = np.where(passed, FAILED, AUTHORIZED)[made.slot == CHECK]
    return outcome


def _honest(shop: Shop, status: Whole, made: Attempts) -> Whole:
    draws, key = shop.draws, made.key
    luck = draws.uniform("outcome", key)
    outcome = np.full(len(key), CAPTURED)
    outcome[status == PENDING] = AUTHORIZED
    outcome[status == RETURNED] = REFUNDED
    cancelled = np.where(luck < 0.35, FAILED, np.where(luck < 0.75, REFUNDED, AUTHORIZED))
    outcome = np.where(status == CANCELLED, cancelled, outcome)
    outcome[(status == DELIVERED) & (luck < GOODWILL)] = REFUNDED
    disputed: Flags = (status == DELIVERED) & (made.card >= 0) & (luck > 1 - DISPUTED)
    outcome[disputed] = CHARGEBACK
    return outcome


def fees(orders: Orders, made: Attempts) -> Whole:
    """Return what the payment provider takes, in hundredths of the currency: nothing of a failed attempt."""
    rate = np.array([0.019, 0.0249, 0.002, 0.0, 0.0])[made.method]
    fixed_usd: Floats = np.array([0.25, 0.35, 0.2, 0.0, 0.0])[made.method]
    fee = np.rint(made.cents * rate + fixed_usd * orders.per_usd[made.at] * 100).astype(np.int64)
    return np.where(made.outcome == FAILED, 0, np.minimum(fee, made.cents))
