"""Card numbers (PANs) in text, found by Ibis alone, so that the rule against them holds on every engine.

What counts is a run of 14 to 19 digits, in one piece or in groups parted by blanks, dots or dashes, that begins as the
cards of a brand do (BIN ranges of Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay, Maestro) and
has as many digits as that brand's cards. The first such run must pass the Luhn check; a second run in the same text is
taken for a card number without it. So one number in ten that merely looks like a card number is held, and a card
number glued to other digits is not found: the detector used at extraction looks at every window and comes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

_GAP = "[ .-]?"
_FOUR = f"(?:{_GAP}[0-9]{{4}})"
_BRANDS = (
    f"(?:4[0-9]{{3}}|5[0-9]{{3}}|2[2-7][0-9]{{2}}|35[0-9]{{2}}|6[0-9]{{3}}|8[1][0-9]{{2}}){_FOUR}{{3}}(?:{_GAP}[0-9]{{3}})?",
    f"3[47][0-9]{{2}}{_GAP}[0-9]{{6}}{_GAP}[0-9]{{5}}",
    f"3[0689][0-9]{{2}}{_GAP}[0-9]{{6}}{_GAP}[0-9]{{4}}",
)
RUN = rf"\b(?:{'|'.join(_BRANDS)})\b"
MASK = "[card number withheld]"
"""Stands in quarantine where a card number stood; itself breaks the rule."""
LONGEST = 19


def has_card_number(text: ir.StringValue) -> ir.BooleanValue:
    """Return whether a text holds a card number, or the mask of one."""
    import ibis  # noqa: PLC0415  importing the contract must not load it

    certain = text.re_search(f"{RUN}.*{RUN}") | text.contains(MASK)
    return certain | ibis.cases((text.re_search(RUN), _passes_luhn(text.re_extract(RUN, 0))), else_=False)


def masked(text: ir.StringValue) -> ir.StringValue:
    """Return the text with what looks like a card number masked, where it holds one."""
    import ibis  # noqa: PLC0415  importing the contract must not load it

    return ibis.ifelse(has_card_number(text).fill_null(False), text.re_replace(RUN, MASK), text)


def _passes_luhn(text: ir.StringValue) -> ir.BooleanValue:
    """Return whether the Luhn sum of up to 19 digits is a multiple of 10; zeros in front change nothing."""
    import ibis  # noqa: PLC0415  importing the contract must not load it

    padded = text.re_replace("[^0-9]", "").lpad(LONGEST, "0")

    def value(place: ir.IntegerValue) -> ir.IntegerValue:
        # Every second digit from the right counts twice, less 9 where that is more than 9; the last does not.
        digit = padded.substr(place, 1).cast("int64")
        factor = 1 + (place + 1 + LONGEST) % 2
        return digit * factor - ibis.ifelse(digit * factor > 9, 9, 0)

    return ibis.range(LONGEST).map(value).sums() % 10 == 0
