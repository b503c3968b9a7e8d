"""Types of command-line arguments, refused with what should stand there."""

from __future__ import annotations

import argparse
from datetime import date


def day(text: str) -> date:
    """Return a day written as in ISO 8601. Raises ArgumentTypeError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day of the calendar; write YYYY-MM-DD") from None


def count(text: str) -> int:
    """Return a whole number that is 0 or more. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)
