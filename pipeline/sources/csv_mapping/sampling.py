"""What a column's values look like: enough of them to guess what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Literal

from pipeline.sources.files import FileFormat, kind_of, open_rows
from pipeline.sources.files.formats import delimiter_of, encoding_of, text_lines

Look = Literal["empty", "email", "country", "currency", "flag", "whole", "decimal", "day", "moment", "text"]
SAMPLE_BATCHES = 1
MOST = 0.95
FORMATS = (
    "%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p",
)  # fmt: skip
ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?")
FLAGS = {"true", "false", "yes", "no", "y", "n", "t", "f", "0", "1", "ja", "nein", "oui", "non", "si"}
CURRENCIES = re.compile(
    r"EUR|USD|GBP|CHF|JPY|CNY|BRL|INR|AUD|CAD|SEK|NOK|DKK|PLN|CZK|HUF|TRY|MXN|ZAR|KRW|SGD|HKD|NZD|AED"
)
PATTERNS: tuple[tuple[Look, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[^@\s]+@[^@\s]+[.][^@\s]+")),
    ("currency", CURRENCIES),
    ("country", re.compile(r"[A-Z]{2}")),
    ("whole", re.compile(r"[+-]?\d{1,18}")),
    ("decimal", re.compile(r"[+-]?[\d.,' ]*\d[.,]\d+|[+-]?\d+")),
)


@dataclass(frozen=True, slots=True)
class Sampled:
    """One column of a file, by its first rows."""

    name: str
    look: Look
    values: tuple[str, ...]
    is_unique: bool
    date_format: str = ""
    """Of days and moments not written in ISO 8601."""
    decimal: str = ""
    """Of decimals: the sign before their fraction."""


@dataclass(frozen=True, slots=True)
class SampledFile:
    """One file, by its first rows."""

    path: Path
    columns: tuple[Sampled, ...]
    encoding: str = ""
    delimiter: str = ""

    @property
    def header(self) -> tuple[str, ...]:
        """Return the names of its columns."""
        return tuple(column.name for column in self.columns)


def sample(path: Path) -> SampledFile:
    """Return what the first rows of a file look like. Raises SourceUnreadable."""
    rows = next(open_rows(path, FileFormat(), lambda _: None))
    cells: dict[str, list[str]] = {name: [] for name in rows.header}
    for batch in islice(rows.batches, SAMPLE_BATCHES):
        for name in rows.header:
            cells[name] += [(value or "").strip() for value in batch[name].to_pylist()]
    columns = tuple(look_at(name, values) for name, values in cells.items())
    if kind_of(path) != "csv":
        return SampledFile(path, columns)
    encoding = encoding_of(path)
    return SampledFile(path, columns, encoding, delimiter_of(next(text_lines(path, encoding), "")))


def look_at(name: str, cells: Sequence[str]) -> Sampled:
    """Return what a column looks like by its cells."""
    values = tuple(value for value in cells if value)
    is_unique = len(set(values)) == len(values) == len(cells) > 0
    if not values:
        return Sampled(name, "empty", (), False)
    if len(set(map(str.lower, values))) <= 2 and {value.lower() for value in values} <= FLAGS:
        return Sampled(name, "flag", values, is_unique)
    form = date_format(values)
    if form is not None:
        has_time = any(":" in value for value in values)
        return Sampled(name, "moment" if has_time else "day", values, is_unique, form)
    for look, pattern in PATTERNS:
        if _share(pattern, values) >= MOST:
            return Sampled(name, look, values, is_unique, decimal=_decimal(values) if look == "decimal" else "")
    return Sampled(name, "text", values, is_unique)


def date_format(values: Sequence[str]) -> str | None:
    """Return the one format that all values are written in, '' for ISO 8601; None where they are no dates."""
    if all(ISO.fullmatch(value) for value in values):
        return ""
    if not any(mark in values[0] for mark in "./-:") and not re.fullmatch(r"(19|20)\d{6}", values[0]):
        return None
    return next((form for form in FORMATS if all(_fits(value, form) for value in values)), None)


def _fits(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def _decimal(values: Sequence[str]) -> str:
    last = [max(value.rfind(","), value.rfind(".")) for value in values]
    signs = [value[at] for value, at in zip(values, last, strict=True) if at >= 0]
    return "," if signs.count(",") > signs.count(".") else "."


def _share(pattern: re.Pattern[str], values: Sequence[str]) -> float:
    return sum(bool(pattern.fullmatch(value)) for value in values) / len(values)
