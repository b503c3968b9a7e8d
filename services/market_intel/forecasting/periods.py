"""Days, weeks and months as whole numbers, so that series are plain arrays and the calendar is arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
EPOCH_MONDAY = date(1970, 1, 5)
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Frequency:
    """The length of a period: how periods are numbered and after how many of them things repeat."""

    name: str
    season: int
    """Periods in the shorter season: 7 days, 52 weeks, 12 months."""
    year: int
    """Periods in about a year."""

    def number(self, day: date) -> int:
        """Return the number of the period that a day is in."""
        if self.name == "day":
            return (day - EPOCH).days
        if self.name == "week":
            return (day - EPOCH_MONDAY).days // 7
        return day.year * 12 + day.month - 1

    def first_day(self, number: int) -> date:
        """Return the first day of a period: of a week its Monday."""
        if self.name == "day":
            return EPOCH + timedelta(days=number)
        if self.name == "week":
            return EPOCH_MONDAY + timedelta(weeks=number)
        return date(number // 12, number % 12 + 1, 1)

    def numbers(self, days: npt.NDArray[np.datetime64]) -> Ints:
        """Return the numbers of the periods that days are in."""
        since = days.astype("datetime64[D]").astype(np.int64)
        if self.name == "day":
            return since
        if self.name == "week":
            return (since - (EPOCH_MONDAY - EPOCH).days) // 7
        return days.astype("datetime64[M]").astype(np.int64) + 1970 * 12

    def first_days(self, numbers: Ints) -> npt.NDArray[np.datetime64]:
        """Return the first days of periods, as datetime64[D]."""
        if self.name == "day":
            return numbers.astype("datetime64[D]")
        if self.name == "week":
            return (numbers * 7 + (EPOCH_MONDAY - EPOCH).days).astype("datetime64[D]")
        return (numbers - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]")


DAY = Frequency("day", 7, 365)
WEEK = Frequency("week", 52, 52)
MONTH = Frequency("month", 12, 12)
FREQUENCIES = {one.name: one for one in (DAY, WEEK, MONTH)}


def year_before(day: date) -> date:
    """Return the same date a year earlier."""
    if (day.month, day.day) == (2, 29):
        return day.replace(year=day.year - 1, day=28)
    return day.replace(year=day.year - 1)
