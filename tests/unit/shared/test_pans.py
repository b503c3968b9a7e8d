# ruff: noqa: E501  statements and samples as they are written

from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from shared import pans as pans_module
from shared.pans import _RANGES, LONGEST, QUICK, brand_of, digits_of, is_pan, luhn, pans, without_pans

MANY = 10_000
SEPARATORS = ("", " ", "-", ".", "\u00a0", " - ")
AROUND = (
    "{}",
    "card {} please",
    "Karte:{}, 12/27 cvv 123",
    "({})",
    "pay {}!",
    "x{}y",
    "tel 555-1234, {}",
    ";{}=2512101",
)


def numbers(many: int) -> list[str]:
    """Card numbers of all brands and lengths."""
    draw, found = random.Random(7), []
    for _ in range(many):
        first, last, lengths, _brand = draw.choice(_RANGES)
        start = str(draw.randint(int(first), int(last))).zfill(len(first))
        body = start + "".join(draw.choices("0123456789", k=draw.choice(lengths) - len(start) - 1))
        found.append(next(body + check for check in "0123456789" if luhn(body + check)))
    return found


def decoys(many: int) -> list[str]:
    """What a shop writes that has many digits and is no card number."""
    draw = random.Random(8)
    kinds = (
        lambda: f"order 2017{draw.randint(1, 12):02}{draw.randint(1, 28):02}-{draw.randint(0, 999_999):06}",
        lambda: (
            f"+{draw.choice((1, 44, 49, 33))} {draw.randint(100, 999)} {draw.randint(100, 999)} {draw.randint(1000, 9999)}"
        ),
        lambda: f"at {draw.randint(1_483_228_800_000, 1_798_761_600_000)}",
        lambda: f"at {draw.randint(1_483_228_800_000_000, 1_798_761_600_000_000)} us",
        lambda: (
            f"2017-{draw.randint(1, 12):02}-{draw.randint(1, 28):02} {draw.randint(0, 23):02}:15:{draw.randint(0, 59):02}.123456"
        ),
        lambda: f"parcel 00{draw.randint(10**17, 10**18 - 1)}1 sent",
        lambda: f"EAN {draw.randint(10**12, 10**13 - 1)}"[:16],
        lambda: (
            f"IP 10.{draw.randint(0, 255)}.{draw.randint(0, 255)}.{draw.randint(0, 255)}, build 1.{draw.randint(0, 99)}.{draw.randint(0, 999)}"
        ),
        lambda: f"id {draw.getrandbits(128):032x}",
        lambda: f"batch 1000{draw.randint(10**11, 10**12 - 1)}",
        lambda: f"{draw.randint(1, 10**9) / 100:.2f} EUR, {draw.randint(1, 10**9) / 100:.2f} USD",
    )
    return [draw.choice(kinds)() for _ in range(many)]


def test_every_card_number_is_found_however_it_is_written() -> None:
    draw = random.Random(9)
    for number in numbers(MANY):
        separator = draw.choice(SEPARATORS)
        written = separator.join(number[at : at + 4] for at in range(0, len(number), 4))
        text = draw.choice(AROUND).format(written)
        cleaned = without_pans(text)
        assert written not in cleaned
        assert number not in digits_of(cleaned)


def test_no_more_than_one_decoy_in_a_thousand_finds_is_taken_for_a_card_number() -> None:
    wrong = sum(bool(pans(text)) for text in decoys(MANY))
    assert MANY / (MANY + wrong) >= 0.999


def test_the_quick_look_over_a_column_misses_nothing() -> None:
    texts = [f"a {'-'.join(number[at : at + 4] for at in range(0, len(number), 4))} b" for number in numbers(500)]
    assert pc.all(pc.match_substring_regex(pa.array(texts), QUICK)).as_py()


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4111111111111111", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("30569309025904", "diners"),
        ("3530111333300000", "jcb"),
        ("6200000000000005", "unionpay"),
    ],
)
def test_the_networks_own_test_numbers_are_known_by_brand(number: str, brand: str) -> None:
    assert is_pan(number)
    assert brand_of(number) == brand


def test_a_wrong_check_digit_is_no_card_number() -> None:
    assert not is_pan("4111111111111112")
    assert without_pans("4111111111111112") == "4111111111111112"


def test_only_the_last_four_digits_stay_and_what_stands_around() -> None:
    assert (
        without_pans("a 4111-1111-1111-1111 b ４１１１１１１１１１１１１１１１ c")
        == "a [card ****1111] b [card ****1111] c"
    )


def test_two_numbers_in_a_row_are_both_taken_out() -> None:
    assert without_pans("4111111111111111 5555555555554444") == "[card ****1111] [card ****4444]"


def test_text_of_single_digits_is_not_gone_through_for_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    longest = pans_module._longest

    def noted(groups: list[str]) -> int | None:
        looked_at.append(len(groups))
        return longest(groups)

    monkeypatch.setattr(pans_module, "_longest", noted)
    assert without_pans(" ".join("1" * 500 + "4111111111111111")).endswith("1 [card ****1111]")
    assert max(looked_at) <= LONGEST
