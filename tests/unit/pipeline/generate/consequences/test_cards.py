"""Card numbers and what stands in for them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.generate.consequences import cards, pans
from pipeline.generate.consequences.cards import BINS, CARDS
from tests.unit.pipeline.generate.consequences.shop import Generated, column


def luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[0::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


def test_every_number_passes_the_luhn_check_and_has_its_brands_length() -> None:
    ids = np.concatenate([np.arange(2_000), np.arange(CARDS - 2_000, CARDS)])
    brands = cards.brands(ids).to_pylist()
    for number, brand in zip(pans(ids).to_pylist(), brands, strict=True):
        assert luhn(number)
        assert len(number) == (15 if brand == "amex" else 16)


def test_no_two_cards_have_one_number() -> None:
    ids = np.unique(np.random.default_rng(1).integers(0, CARDS, 200_000))
    assert len(pans(ids).unique()) == len(ids)


def test_what_a_payment_shows_of_its_card_is_of_that_cards_number(made: Generated) -> None:
    rows = made.tables["payments"].filter(pc.is_valid(made.tables["payments"]["_card"]))
    numbers = pans(column(rows, "_card"))
    assert pc.utf8_slice_codeunits(numbers, 0, 6).equals(rows["card_bin"].combine_chunks())
    assert pc.utf8_slice_codeunits(numbers, -4).equals(rows["card_last4"].combine_chunks())
    tokens = pa.table({"card": rows["_card"], "token": rows["card_token"], "brand": rows["card_brand"]})
    by_card = tokens.group_by("card").aggregate([("token", "count_distinct"), ("brand", "count_distinct")])
    assert set(column(by_card, "token_count_distinct")) == set(column(by_card, "brand_count_distinct")) == {1}
    assert len(rows["card_token"].unique()) == by_card.num_rows


def test_no_table_has_a_card_number(made: Generated) -> None:
    for name, rows in made.tables.items():
        for found in rows.column_names:
            if pa.types.is_string(rows[found].type):
                assert not pc.any(pc.match_substring_regex(rows[found], r"^\d{13,19}$")).as_py(), f"{name}.{found}"


def test_banks_numbers_differ_from_each_other() -> None:
    assert len(set(BINS)) == len(BINS)
