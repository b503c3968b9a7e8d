"""Series to forecast: regular, without gaps, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.periods import Frequency, Ints
from shared.errors import FieldError, InvalidArgument

Floats = npt.NDArray[np.float64]

MOST_POINTS = 1_000_000
MOST_PERIODS = 20_000
"""Periods that one series may span: 54 years of days. A year mistyped must not become a million empty days."""
MOST_IN_ALL = 20_000_000
"""Periods of all series together, those between observations too: two observations of fifty bytes name 54 years."""
LARGEST = 1e15
ONLY_SERIES = "all"


class InvalidSeries(InvalidArgument):
    """A series that cannot be forecast as it stands; `errors` says where and why."""

    reason = "INVALID_SERIES"


class InvalidRegressors(InvalidArgument):
    """Regressors that do not fit the series; `errors` says where and why."""

    reason = "INVALID_REGRESSORS"


@dataclass(frozen=True)
class Regressors:
    """What is known of each period beside the series, also of those to come: prices, promotions, holidays.

    Attributes:
        names: what is known, such as `price`.
        values: over the history, laid end to end like the panel's values; shape (regressors, periods), all finite.
        ahead: over the periods that follow each series, shape (regressors, series, horizon), all finite.
    """

    names: tuple[str, ...]
    values: Floats
    ahead: Floats


@dataclass(frozen=True)
class Panel:
    """Series of one frequency, laid end to end.

    Attributes:
        frequency: length of a period.
        ids: name of each series.
        offsets: where each series begins in `values`, and the end of the last; shape (series + 1,).
        starts: number of the first period of each series.
        values: the observations, oldest first, NaN where none is known.
        filled: how many periods of each series had no observation and were filled.
        regressors: what is known beside the series and ahead of them; models that cannot use it leave it alone.
    """

    frequency: Frequency
    ids: tuple[str, ...]
    offsets: Ints
    starts: Ints
    values: Floats
    filled: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    regressors: Regressors | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> Ints:
        """Return the number of periods of each series."""
        return np.diff(self.offsets)

    @property
    def ends(self) -> Ints:
        """Return the number of the first period after each series."""
        return self.starts + self.lengths

    def series(self, index: int) -> Floats:
        """Return the observations of one series."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def matrix(self, most: int | None = None) -> Floats:
        """Return the last `most` periods of all series, shape (series, periods), their ends in the last column.

        Before its beginning a series is NaN.
        """
        found: Floats = self._aligned(self.values[None], most)[0]
        return found

    def regressor_matrices(self, horizon: int, most: int | None = None) -> tuple[Floats, Floats]:
        """Return the regressors over the history and ahead: shapes (regressors, series, periods), (…, horizon).

        The history lies as in `matrix`. Without regressors the first axis has no entries.

        Raises:
            InvalidRegressors: they are known for fewer than `horizon` periods ahead.
        """
        if self.regressors is None:
            return self._aligned(np.zeros((0, len(self.values))), most), np.zeros((0, len(self), horizon))
        known = self.regressors.ahead.shape[2]
        if known < horizon:
            raise invalid_regressors(
                f"{self.regressors.names[0]} is known for {known} {self.frequency.name}s ahead, not for the {horizon} "
                "to be forecast; send its values for them too, or ask for a shorter horizon"
            )
        return self._aligned(self.regressors.values, most), self.regressors.ahead[:, :, :horizon]

    def _aligned(self, rows: Floats, most: int | None) -> Floats:
        lengths = self.lengths
        longest = int(lengths.max(initial=0))
        width = longest if most is None else min(most, longest)
        places = self.offsets[1:, None] - np.arange(width, 0, -1)[None, :]
        inside = places >= self.offsets[:-1, None]
        if not width:
            return np.zeros((len(rows), len(self), 0))
        return np.where(inside, rows[:, np.where(inside, places, 0)], np.nan)

    def with_regressors(self, regressors: Regressors | None) -> Panel:
        """Return the panel with these regressors instead of its own.

        Raises:
            InvalidRegressors: their shapes are not those of this panel.
        """
        if regressors is not None:
            many, (history, series) = len(regressors.names), (len(self.values), len(self))
            if regressors.values.shape != (many, history) or regressors.ahead.shape[:2] != (many, series):
                raise invalid_regressors("the regressors are those of another panel; make them from this one")
        return replace(self, regressors=regressors)

    def before(self, periods: int) -> Panel:
        """Return the panel without the last periods of each series; series that end up empty are left out.

        Regressors of the periods left out are then known ahead, before those that were so already.
        """
        lengths = self.lengths - periods
        return self._of(np.flatnonzero(lengths > 0), lengths)

    def select(self, chosen: npt.NDArray[np.int64] | Sequence[int]) -> Panel:
        """Return the panel of some series, by their places."""
        return self._of(np.asarray(chosen, np.int64), self.lengths)

    def _of(self, chosen: npt.NDArray[np.int64], lengths: Ints) -> Panel:
        kept = lengths[chosen]
        offsets = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
        inside = np.arange(offsets[-1]) - np.repeat(offsets[:-1], kept)
        taken = np.repeat(self.offsets[:-1][chosen], kept) + inside
        filled = self.filled[chosen] if len(self.filled) else self.filled
        regressors = self.regressors
        if regressors is not None:
            left_out = int((self.lengths - lengths).max(initial=0))
            after = (self.offsets[:-1] + lengths)[chosen, None] + np.arange(left_out)
            ahead = np.concatenate([regressors.values[:, after], regressors.ahead[:, chosen]], axis=2)
            regressors = Regressors(regressors.names, regressors.values[:, taken], ahead)
        names = tuple(self.ids[i] for i in chosen)
        return Panel(self.frequency, names, offsets, self.starts[chosen], self.values[taken], filled, regressors)


def panel_of(
    frequency: Frequency,
    days: npt.NDArray[np.datetime64],
    values: Floats,
    ids: npt.NDArray[np.str_] | Sequence[str] | None = None,
    *,
    gaps: float = 0.0,
) -> Panel:
    """Return the panel of observations in any order.

    Args:
        frequency: length of a period; an observation belongs to the period that its day is in.
        days: day of each observation.
        values: its value; NaN counts as no observation.
        ids: name of its series; all belong to one when None.
        gaps: what stands for a period without an observation between two others: 0, as a day without a sale.
            NaN leaves it open.

    Raises:
        InvalidSeries: nothing given, too much, infinite or huge values, two observations for one period.
    """
    names = np.full(len(values), ONLY_SERIES) if ids is None else np.asarray(ids, dtype=np.str_)
    check(days, values, names)
    periods = frequency.numbers(days)
    known, places = np.unique(names, return_inverse=True)
    order = np.lexsort((periods, places))
    places, periods, values = places[order], periods[order], np.asarray(values, np.float64)[order]
    refuse_doubles(frequency, known, places, periods)
    first = np.flatnonzero(np.r_[True, np.diff(places) != 0])
    last = np.r_[first[1:] - 1, len(places) - 1]
    starts, lengths = periods[first], periods[last] - periods[first] + 1
    if lengths.max() > MOST_PERIODS:
        raise invalid(f"{known[lengths.argmax()]} spans {lengths.max()} periods, over {MOST_PERIODS}; is a date wrong?")
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    if offsets[-1] > MOST_IN_ALL:
        raise invalid(f"the series span {offsets[-1]} periods in all, over {MOST_IN_ALL}; send fewer or shorter ones")
    filled = np.full(offsets[-1], gaps)
    filled[offsets[places] + periods - starts[places]] = np.where(np.isnan(values), gaps, values)
    seen = np.bincount(places, ~np.isnan(values), minlength=len(known)).astype(np.int64)
    return Panel(frequency, tuple(map(str, known)), offsets, starts, filled, lengths - seen)


def check(days: npt.NDArray[np.datetime64], values: Floats, names: npt.NDArray[np.str_]) -> None:
    """Raise InvalidSeries for what is no observation at all."""
    if not len(values):
        raise invalid("there are no observations; send at least one {ds, y}")
    if len(values) > MOST_POINTS:
        raise invalid(f"{len(values)} observations, more than {MOST_POINTS}; send fewer series at once")
    if len(days) != len(values) or len(names) != len(values):
        raise invalid("each observation needs a day, a value and, where there are several series, a name")
    if np.isnat(days).any():
        raise invalid(f"observation {int(np.isnat(days).argmax())} has no day")
    wrong = np.isinf(values) | (np.abs(values) > LARGEST)
    if wrong.any():
        raise invalid(f"observation {int(wrong.argmax())} is infinite or beyond {LARGEST:g}; leave out what is unknown")
    if np.isnan(values).all():
        raise invalid("no observation has a value")


def refuse_doubles(frequency: Frequency, known: npt.NDArray[np.str_], places: Ints, periods: Ints) -> None:
    """Raise InvalidSeries where two observations fall into one period of one series."""
    same = (np.diff(places) == 0) & (np.diff(periods) == 0)
    if same.any():
        at = int(same.argmax())
        day: date = frequency.first_day(int(periods[at]))
        named = known[places[at]]
        whose = f"series {named}" if named != ONLY_SERIES else "the series"
        raise invalid(f"{whose} has more than one observation for the {frequency.name} of {day}; add them up first")


def invalid(detail: str) -> InvalidSeries:
    """Return the error for the field `series`."""
    return InvalidSeries(detail, errors=[FieldError("series", detail)])


def invalid_regressors(detail: str) -> InvalidRegressors:
    """Return the error for the field `regressors`."""
    return InvalidRegressors(detail, errors=[FieldError("regressors", detail)])
