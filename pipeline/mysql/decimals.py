"""DECIMAL as MySQL packs it: groups of nine digits in four bytes, the sign in the first bit, negatives inverted."""

from __future__ import annotations

from functools import cache

DIGITS_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)


@cache
def _pieces(precision: int, scale: int) -> tuple[tuple[int, int, int], ...]:
    """Return of each group of digits where its bytes begin and end, and ten to the power of its digits."""
    whole = precision - scale
    groups = [whole % 9] * (whole % 9 > 0) + [9] * (whole // 9) + [9] * (scale // 9) + [scale % 9] * (scale % 9 > 0)
    pieces, at = [], 0
    for digits in groups:
        pieces.append((at, at + DIGITS_BYTES[digits], 10**digits))
        at += DIGITS_BYTES[digits]
    return tuple(pieces)


def decimal_bytes(precision: int, scale: int) -> int:
    """Return how many bytes a decimal takes."""
    return _pieces(precision, scale)[-1][1]


def decimal_text(packed: bytes, precision: int, scale: int) -> str:
    """Return a decimal's digits, with as many after the point as its scale says."""
    pieces = _pieces(precision, scale)
    size = pieces[-1][1]
    number, top = int.from_bytes(packed, "big"), 1 << (8 * size - 1)
    negative = not number & top
    body = ((number ^ (1 << 8 * size) - 1 if negative else number) & (top - 1)).to_bytes(size, "big")
    total = 0
    for start, end, unit in pieces:
        total = total * unit + int.from_bytes(body[start:end], "big")
    digits = str(total)
    if scale:
        digits = digits.zfill(scale + 1)
        digits = f"{digits[:-scale]}.{digits[-scale:]}"
    return f"-{digits}" if negative and total else digits
