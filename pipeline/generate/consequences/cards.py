"""Payment cards: brand, first six and last four digits, token and number of each, all following from its id.

The numbers pass the Luhn check and begin like the card schemes' published test numbers. They exist for loading a
database that is then read by the extractor; no table has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.generate.columns import chosen
from pipeline.generate.consequences.draws import mixed
from pipeline.generate.consequences.names import secrets_of

if TYPE_CHECKING:
    from pipeline.generate.world import Whole

CARDS = 1_000_000_000
"""Card ids are below this."""
OUTSIDE = CARDS // 2
"""Ids from here on belong to no customer."""
BINS = (
    411111, 424242, 401288, 400005, 400000, 454545, 444433, 490000, 555555, 510510, 520082, 545454, 222300, 532000,
    378282, 371449, 341111, 379000, 601111, 601100,
)  # fmt: skip
BRANDS = ("visa", "mastercard", "amex", "discover")
BRAND_OF = np.array([0] * 8 + [1] * 6 + [2] * 4 + [3] * 2)
AMEX = 2
_SPREAD = 387_420_489
"""3^18: prime to 10, so multiplying by it permutes the account numbers."""


def bins(cards: Whole) -> Whole:
    """Return the index into BINS of each card."""
    made: Whole = (mixed(cards.astype(np.uint64)) % np.uint64(len(BINS))).astype(np.int64)
    return made


def pans(cards: Whole) -> pa.Array:
    """Return the number of each card as text: 16 digits, 15 of American Express. No two ids have the same number."""
    bank, account, places = _parts(cards)
    number = bank * places + account
    return pa.array(number * 10 + _luhn(number)).cast(pa.string())


def brands(cards: Whole) -> pa.Array:
    """Return the brand of each card; null for a negative id."""
    return chosen(BRANDS, np.where(cards < 0, -1, BRAND_OF[bins(np.maximum(cards, 0))]))


def first_six(cards: Whole) -> pa.Array:
    """Return the bank identification number of each card; null for a negative id."""
    bank, _, _ = _parts(np.maximum(cards, 0))
    return pa.array(bank, mask=cards < 0).cast(pa.string())


def last_four(cards: Whole) -> pa.Array:
    """Return the last four digits of each card; null for a negative id."""
    bank, account, places = _parts(np.maximum(cards, 0))
    digits = account % 1000 * 10 + _luhn(bank * places + account)
    return chosen(tuple(f"{value:04}" for value in range(10_000)), np.where(cards < 0, -1, digits))


def tokens(cards: Whole, seed: int) -> pa.Array:
    """Return what stands in for each card's number: 64 hexadecimal digits; null for a negative id."""
    return secrets_of(cards.astype(np.uint64), seed, cards < 0)


def _parts(cards: Whole) -> tuple[Whole, Whole, Whole]:
    """Return the bank's six digits, the account's digits, and ten to the number of the latter."""
    at = bins(cards)
    account = cards.astype(np.int64) * _SPREAD % CARDS
    short = BRAND_OF[at] == AMEX
    # Eight digits hold a tenth of the ids: the ninth goes into the bank's last digit, so that no two meet.
    bank = np.array(BINS, dtype=np.int64)[at]
    bank = np.where(short, bank // 10 * 10 + account // (CARDS // 10), bank)
    places = np.where(short, CARDS // 10, CARDS)
    return bank, account % places, places


def _luhn(number: Whole) -> Whole:
    """Return the check digit that follows a number."""
    total, rest = np.zeros(len(number), dtype=np.int64), number.copy()
    for place in range(15):
        digit = rest % 10
        rest //= 10
        doubled = digit * 2
        total += np.where(doubled > 9, doubled - 9, doubled) if place % 2 == 0 else digit
    made: Whole = (10 - total % 10) % 10
    return made
