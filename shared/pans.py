"""Primary account numbers (ISO/IEC 7812) in text: found by issuer range, length and Luhn's check digit, and taken out.

Digits may stand together or be set apart by up to three separators. What cannot be told from a card number by its
digits alone, such as an order number of 16 digits that happens to begin with an issuer's range and to pass Luhn's
check, counts as one: nothing is kept that may be a card number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate

SHORTEST, LONGEST = 13, 19
_SEPARATORS = "[ \\-./_\u00a0\u2007\u2009\u202f\u2010-\u2015]"
CANDIDATE = rf"\d(?:{_SEPARATORS}{{0,3}}\d){{{SHORTEST - 1},}}"
QUICK = rf"\p{{Nd}}(?:{_SEPARATORS}{{0,3}}\p{{Nd}}){{{SHORTEST - 1}}}"
"""The same for RE2, which Arrow runs over whole columns: what does not match it holds no card number."""
_CANDIDATE = re.compile(CANDIDATE)
_GROUP = re.compile(r"\d+")
_SIXTEEN_UP = (16, 17, 18, 19)

# First and last prefix of a range, lengths in use, brand. Sources: ISO/IEC 7812-1 and the networks' published ranges.
_RANGES: tuple[tuple[str, str, tuple[int, ...], str], ...] = (
    ("4", "4", (13, 16, 19), "visa"),
    ("51", "55", (16,), "mastercard"),
    ("2221", "2720", (16,), "mastercard"),
    ("34", "34", (15,), "amex"),
    ("37", "37", (15,), "amex"),
    ("6011", "6011", _SIXTEEN_UP, "discover"),
    ("644", "649", _SIXTEEN_UP, "discover"),
    ("65", "65", _SIXTEEN_UP, "discover"),
    ("300", "305", (14, 16, 17, 18, 19), "diners"),
    ("3095", "3095", (14, 16, 17, 18, 19), "diners"),
    ("36", "36", (14, 15, 16, 17, 18, 19), "diners"),
    ("38", "39", (14, 16, 17, 18, 19), "diners"),
    ("3528", "3589", _SIXTEEN_UP, "jcb"),
    ("62", "62", _SIXTEEN_UP, "unionpay"),
    ("81", "81", _SIXTEEN_UP, "unionpay"),
    ("2200", "2204", _SIXTEEN_UP, "mir"),
    ("5018", "5018", (13, 14, 15, 16, 17, 18, 19), "maestro"),
    ("5020", "5020", (13, 14, 15, 16, 17, 18, 19), "maestro"),
    ("5038", "5038", (13, 14, 15, 16, 17, 18, 19), "maestro"),
    ("5893", "5893", (13, 14, 15, 16, 17, 18, 19), "maestro"),
    ("6304", "6304", (13, 14, 15, 16, 17, 18, 19), "maestro"),
    ("6759", "6759", (13, 14, 15, 16, 17, 18, 19), "maestro"),
    ("6761", "6763", (13, 14, 15, 16, 17, 18, 19), "maestro"),
    ("5019", "5019", (16,), "dankort"),
    ("60", "60", (16,), "rupay"),
    ("506099", "506198", (16, 19), "verve"),
    ("9792", "9792", (16,), "troy"),
)


def is_pan(digits: str) -> bool:
    """Return whether so many digits can be a card number: an issuer's range and length, and the check digit holds."""
    return SHORTEST <= len(digits) <= LONGEST and brand_of(digits) is not None and luhn(digits)


def brand_of(digits: str) -> str | None:
    """Return the card brand that a number's range and length belong to, None where no issuer has them."""
    for first, last, lengths, brand in _RANGES:
        if first <= digits[: len(first)] <= last and len(digits) in lengths:
            return brand
    return None


def luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        total += value if place % 2 == 0 else (value * 2 - 9 if value > 4 else value * 2)
    return total % 10 == 0


def digits_of(text: str) -> str:
    """Return the digits of a text in ASCII, whatever script they are in."""
    return "".join(str(unicodedata.decimal(character)) for character in text if character.isdecimal())


def pans(text: str) -> tuple[tuple[int, int], ...]:
    """Return where card numbers stand in a text, as non-overlapping (start, end)."""
    return tuple(place for match in _CANDIDATE.finditer(text) for place in _within(match))


def without_pans(text: str) -> str:
    """Return the text with each card number replaced by its last four digits: `[card ****1111]`."""
    parts, last = [], 0
    for start, end in pans(text):
        parts += [text[last:start], f"[card ****{digits_of(text[start:end])[-4:]}]"]
        last = end
    return "".join((*parts, text[last:]))


def _within(run: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Yield the card numbers in a run of digits and separators, leftmost and longest first, at group borders."""
    groups = [(group.start() + run.start(), group.end() + run.start()) for group in _GROUP.finditer(run[0])]
    digits = [digits_of(run.string[start:end]) for start, end in groups]
    first = 0
    while first < len(groups):
        # No more groups than a number has digits: text of single digits must not be gone through for each of them.
        last = _longest(digits[first : first + LONGEST])
        if last is None:
            first += 1
            continue
        yield groups[first][0], groups[first + last][1]
        first += last + 1


def _longest(groups: list[str]) -> int | None:
    """Return the index of the group that the longest card number from the first group on ends with."""
    lengths = list(accumulate(map(len, groups)))
    fitting = [at for at, length in enumerate(lengths) if SHORTEST <= length <= LONGEST]
    return next((at for at in reversed(fitting) if is_pan("".join(groups[: at + 1]))), None)
