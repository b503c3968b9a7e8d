"""Rows of JSON → arrays, a million in about a second: the series and the regressors that an ask brings along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.panel import (
    MOST_POINTS,
    Floats,
    Panel,
    invalid,
    invalid_regressors,
    panel_of,
)
from services.market_intel.forecasting.periods import Frequency
from shared.errors import InvalidArgument

Days = npt.NDArray[np.datetime64]
Names = npt.NDArray[np.str_]
Refuse = Callable[[str], InvalidArgument]

DAY, VALUE, NAME = "ds", "y", "series_id"
SERIES_FIELDS = frozenset({DAY, VALUE, NAME})
LONGEST_NAME = 100
NOTHING = "\0"
DAY_LENGTH = 10
EARLIEST, LATEST = np.datetime64("1900-01-01"), np.datetime64("2200-01-01")
DASHES = (4, 7)
TIMES = ("T", "t", " ")
NUMBERS = (float, int)


@dataclass(frozen=True)
class Observations:
    """What came along, in any order: day, value and (None: all are one series) name of each observation."""

    days: Days
    values: Floats
    ids: Names | None

    def panel(self, frequency: Frequency, gaps: float) -> Panel:
        """Return them as series. Raises InvalidSeries."""
        return panel_of(frequency, self.days, self.values, self.ids, gaps=gaps)


@dataclass(frozen=True)
class Known:
    """Regressors that came along: day, values by name and (None: for all series) name of the series of each row."""

    days: Days
    columns: dict[str, Floats]
    ids: Names | None


def observations(rows: Any) -> Observations:
    """Return the observations of a list of {ds, y, series_id?}.

    Raises:
        InvalidSeries: it is no such list; the sentence names the first row that is wrong.
    """
    rows = objects(rows, "series", invalid)
    if not rows:
        raise invalid("there are no observations; send at least one {ds, y}")
    extra = next((at for at, row in enumerate(rows) if not row.keys() <= SERIES_FIELDS), None)
    if extra is not None:
        raise invalid(f"observation {extra} has other fields than ds, y and series_id; leave them out")
    values = numbers([row.get(VALUE) for row in rows], lambda at: invalid(f"y of observation {at} is no number"))
    return Observations(days_of(rows, "observation", invalid), values, names_of(rows, "observation", invalid))


def known(rows: Any) -> Known | None:
    """Return the regressors of a list of {ds, series_id?, name: value, …}; None where there are none.

    Raises:
        InvalidRegressors: it is no such list; the sentence names the first row that is wrong.
    """
    rows = objects(rows, "regressors", invalid_regressors)
    if not rows:
        return None
    names = sorted({name for row in rows[:1000] for name in row} - {DAY, NAME})
    fields = {DAY, NAME, *names}
    extra = next((at for at, row in enumerate(rows) if not row.keys() <= fields), None)
    if extra is not None:
        raise invalid_regressors(
            f"row {extra} of the regressors has a name that none before it has; send it from the start"
        )
    columns = {name: numbers([row.get(name) for row in rows], partial(no_number, name)) for name in names}
    return Known(
        days_of(rows, "row of the regressors", invalid_regressors),
        columns,
        names_of(rows, "row of the regressors", invalid_regressors),
    )


def no_number(name: str, at: int) -> InvalidArgument:
    """Return the error for a value of a regressor that is none."""
    return invalid_regressors(f"{name[:LONGEST_NAME]} in row {at} of the regressors is no number")


def objects(rows: Any, what: str, refuse: Refuse) -> list[dict[str, Any]]:
    """Return the rows if they are a list of objects of a size that can be worked on."""
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise refuse(f"{what} must be a list of objects")
    if len(rows) > MOST_POINTS:
        raise refuse(f"{len(rows)} rows are more than {MOST_POINTS}; send fewer series at once")
    if set(map(type, rows)) - {dict}:
        at = next(at for at, row in enumerate(rows) if type(row) is not dict)
        raise refuse(f"row {at} of {what} is no object")
    return rows


def numbers(values: list[Any], refuse: Callable[[int], InvalidArgument]) -> Floats:
    """Return numbers as an array, NaN for null; text and truth are no numbers."""
    if set(map(type, values)) - {float, int, type(None)}:
        raise refuse(next(at for at, value in enumerate(values) if value is not None and type(value) not in NUMBERS))
    return np.array(values, dtype=np.float64)


def days_of(rows: Sequence[dict[str, Any]], what: str, refuse: Refuse) -> Days:
    """Return the day of each row: of `YYYY-MM-DD`, or of a time that begins so."""
    texts: list[Any] = [row.get(DAY) for row in rows]
    if set(map(type, texts)) != {str}:
        at = next(at for at, text in enumerate(texts) if type(text) is not str)
        raise refuse(f"{what} {at} has no ds such as 2026-11-01")
    heads = np.array([text[:DAY_LENGTH].encode("ascii", "replace") for text in texts], dtype=f"S{DAY_LENGTH}")
    tails = np.array([len(text) == DAY_LENGTH or text[DAY_LENGTH : DAY_LENGTH + 1] in TIMES for text in texts])
    heads[~(written_as_days(heads) & tails)] = b"NaT"
    days = calendar(heads)
    wrong = np.isnat(days) | (days < EARLIEST) | (days > LATEST)
    if wrong.any():
        at = int(wrong.argmax())
        raise refuse(f"ds of {what} {at} is {texts[at][:40]!r}, no day such as 2026-11-01 between 1900 and 2200")
    return days


def written_as_days(heads: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
    """Return which texts are four digits, two and two with dashes between them."""
    letters = heads.view(np.uint8).reshape(-1, DAY_LENGTH)
    digits = (letters >= ord("0")) & (letters <= ord("9"))
    dashes = letters == ord("-")
    return np.asarray(np.where(np.isin(np.arange(DAY_LENGTH), DASHES), dashes, digits).all(axis=1), np.bool_)


def calendar(heads: npt.NDArray[np.bytes_]) -> Days:
    """Return the days of texts written as such, NaT for those that no calendar has."""
    try:
        return heads.astype("datetime64[D]")
    except ValueError:
        return np.concatenate([one_day(heads[at : at + 1]) for at in range(len(heads))])


def one_day(head: npt.NDArray[np.bytes_]) -> Days:
    """Return one day, or NaT."""
    try:
        return head.astype("datetime64[D]")
    except ValueError:
        return np.array(["NaT"], "datetime64[D]")


def names_of(rows: Sequence[dict[str, Any]], what: str, refuse: Refuse) -> Names | None:
    """Return the series of each row, None where no row names one."""
    names: list[Any] = [row.get(NAME) for row in rows]
    kinds = set(map(type, names))
    if kinds == {type(None)} and not any(NAME in row for row in rows):
        return None
    if kinds != {str}:
        at = next(at for at, name in enumerate(names) if type(name) is not str)
        raise refuse(f"{what} {at} has no series_id in words while others have; name the series of each or of none")
    known = set(names)
    if not all(known) or max(map(len, known)) > LONGEST_NAME:
        raise refuse(f"a series_id must have 1 to {LONGEST_NAME} characters")
    if any(NOTHING in name for name in known):
        # An array of texts drops it at an end, so that two series would become one.
        raise refuse("a series_id must not have the character U+0000")
    return np.array(names, dtype=np.str_)
