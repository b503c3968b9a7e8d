"""Which rows a question is about: periods and filters, each refused in words where it makes no sense."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import FailedPrecondition, FieldError, InvalidArgument

SHOWN = 20
"""Values that a refusal names of those there are."""


class InvalidPeriod(InvalidArgument):
    """A day that is none, or a period that ends before it begins."""

    reason = "INVALID_PERIOD"


class UnknownFilter(InvalidArgument):
    """A filter for a value that no row has."""

    reason = "UNKNOWN_FILTER"


class EmptySelection(FailedPrecondition):
    """Filters and period are each good, but no row meets all of them."""

    reason = "EMPTY_SELECTION"


class SourceTableMissing(FailedPrecondition):
    """What is asked for needs a table, or a column, that no source had."""

    reason = "SOURCE_TABLE_MISSING"


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        """Return how many days it has."""
        return (self.last - self.first).days + 1

    @property
    def months(self) -> int | None:
        """Return how many calendar months it is exactly, None where it is not."""
        if self.first.day != 1 or self.last != month_end(self.last):
            return None
        return (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1

    def before(self) -> Period:
        """Return the period just before: as many whole months before whole months, else as many days."""
        last = self.first - dt.timedelta(days=1)
        if self.months is None:
            return Period(last - dt.timedelta(days=self.days - 1), last)
        number = self.first.year * 12 + self.first.month - 1 - self.months
        return Period(dt.date(number // 12, number % 12 + 1, 1), last)


@dataclass(frozen=True, slots=True)
class Filters:
    """Values that columns must have; an empty one asks nothing."""

    values: Mapping[str, str] = field(default_factory=dict)

    def apply(self, rows: pa.Table) -> pa.Table:
        """Return the rows that have every value. Raises UnknownFilter, which names what there is."""
        known = {name: value for name, value in self.values.items() if value}
        for name, value in known.items():
            if not pc.any(pc.equal(rows[name], value)).as_py():
                raise unknown(name, value, rows[name].unique().to_pylist())
        return self.matching(rows)

    def matching(self, rows: pa.Table) -> pa.Table:
        """Return the rows that have every value; of a table that may lack some of them, none."""
        for name, value in self.values.items():
            if value:
                rows = rows.filter(pc.equal(rows[name], value))
        return rows


FIELD_OF = {"currency_code": "currency", "category_id": "category", "product_id": "product"}
"""Column → field of a request, where they differ."""


def unknown(column: str, value: str, values: Iterable[str]) -> UnknownFilter:
    """Return the error of a value that no row has, which names those there are."""
    name = FIELD_OF.get(column, column)
    there = sorted({each for each in values if each})
    listed = ", ".join(there[:SHOWN]) + (", …" if len(there) > SHOWN else "") or "none"
    detail = f"no {name} {value!r} among these rows; there are: {listed}"
    return UnknownFilter(detail, metadata={"filter": name}, errors=[FieldError(name, detail)])


def day_of(text: str, name: str) -> dt.date | None:
    """Return the day a field names, None where it is empty. Raises InvalidPeriod."""
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    # fromisoformat reads 20170131 and 2017-W05-2 as well.
    if day is None or day.isoformat() != text:
        raise refused(name, f"{text!r} is no day; write it as 2017-01-31")
    return day


def period_of(first: str, last: str, there: Period, names: tuple[str, str] = ("from", "to")) -> Period:
    """Return the period asked for within the days there are. Raises InvalidPeriod, EmptySelection."""
    begin, end = day_of(first, names[0]), day_of(last, names[1])
    if begin and end and begin > end:
        raise refused(names[0], f"{begin} is after {end}: a period begins before it ends")
    found = Period(max(begin or there.first, there.first), min(end or there.last, there.last))
    if found.first > found.last:
        asked = " ".join(each for each in (begin and f"from {begin}", end and f"to {end}") if each)
        raise EmptySelection(f"no data {asked}: they reach from {there.first} to {there.last}")
    return found


def in_months(period: Period, there: Period) -> Period:
    """Return the whole months that a period touches, no further than the days there are."""
    return Period(period.first.replace(day=1), min(month_end(period.last), there.last))


def refused(name: str, detail: str) -> InvalidPeriod:
    """Return the error of a period."""
    return InvalidPeriod(f"{name}: {detail}", errors=[FieldError(name, detail)])


def spanned(rows: pa.Table, column: str = "ds") -> Period:
    """Return the days that rows reach over, to the last complete day of the data. Raises EmptySelection."""
    if not rows.num_rows:
        raise EmptySelection("there is not one order in the data that you may see")
    first = pc.min(rows[column]).as_py()
    return Period(first, max(pc.max(rows["data_through_on"]).as_py(), first))


def within(rows: pa.Table, period: Period, column: str = "ds") -> pa.Table:
    """Return the rows of a period."""
    kind = rows.schema.field(column).type
    first, last = pa.scalar(period.first, kind), pa.scalar(period.last, kind)
    return rows.filter(pc.and_(pc.greater_equal(rows[column], first), pc.less_equal(rows[column], last)))


def required(rows: pa.Table, asked: str) -> pa.Table:
    """Return the rows. Raises EmptySelection where there is none."""
    if not rows.num_rows:
        raise EmptySelection(f"no rows for {asked}; widen the period or leave a filter out")
    return rows


def month_end(day: dt.date) -> dt.date:
    """Return the last day of the month of a day."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def last_month(clock: dt.date) -> Period:
    """Return the latest calendar month that is over at the end of a day."""
    end = clock if clock == month_end(clock) else clock.replace(day=1) - dt.timedelta(days=1)
    return Period(end.replace(day=1), end)
