"""What a gradient boosting sees of a period some steps after an origin: never anything at or after the origin."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import Frequency, Ints

SPANS = {7: (7, 28, 91, 364), 52: (4, 13, 26, 52), 12: (3, 6, 12, 24)}
"""Season → periods over which recent means are taken: the second is the level."""

YEAR = {7: 364, 52: 52, 12: 12}
"""Periods back to the same time of the year; for days a whole number of weeks."""

SAME_PLACES = 4
"""How many seasons back the same place in the season is looked at."""

GROUPS = HORIZON, LAGS, YEAR_BEFORE, OTHERS, LEVEL, CALENDAR = (
    "steps ahead",
    "last periods",
    "a year before",
    "all series together",
    "level",
    "calendar",
)
"""What features tell of."""

LONG_SHARE = 0.2
"""Share of the long mean in the level, so that a quiet month does not make everything after it look huge."""


@dataclass(frozen=True)
class Rows:
    """Features of periods seen from origins.

    Attributes:
        features: shape (rows, features), NaN where unknown.
        level: what each row's target and lags are multiples of, positive.
        noise: typical change over a season before the origin, in multiples of the level.
        groups: for each feature what it tells of, in words people read; a regressor by its name.
    """

    features: Floats
    level: Floats
    noise: Floats
    groups: tuple[str, ...]


class History:
    """A panel's matrix with running sums, from which features of any period seen from any origin are taken."""

    def __init__(
        self,
        values: Floats,
        ends: Ints,
        frequency: Frequency,
        given: Floats | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        """Take the matrix of a panel, the number of the period after the last of each series, and what is known ahead.

        That is the regressors by name over past and future, shape (regressors, series, periods + horizon).
        """
        self._given = np.zeros((0, *values.shape)) if given is None else given
        self._names = tuple(f"{name} (given)" if name in GROUPS else name for name in names)
        self.values, self.frequency = values, frequency
        self._ends = ends
        self._sums, self._known = running(values), running(np.isfinite(values).astype(np.float64))
        self._sold = running(np.where(np.isfinite(values), values != 0, False).astype(np.float64))
        lag = min(frequency.season, max(values.shape[1] // 3, 1))
        change = np.full_like(values, np.nan)
        change[:, lag:] = np.abs(values[:, lag:] - values[:, :-lag])
        self._change, self._changes = running(change), running(np.isfinite(change).astype(np.float64))
        self._last_sold = last_place(np.nan_to_num(values) != 0)
        self._whole, self._wholes = running(whole(values)), running(np.ones((1, values.shape[1])))

    def mean(self, which: Ints, first: Ints, last: Ints) -> Floats:
        """Return means of periods first ≤ place < last, NaN where none is known."""
        return ratio(self._sums, self._known, which, first, last)

    @classmethod
    def of(cls, panel: Panel, horizon: int) -> History:
        """Return the history of a panel, with what is known of the periods ahead."""
        given = np.concatenate(panel.regressor_matrices(horizon), axis=2)
        names = panel.regressors.names if panel.regressors else ()
        return cls(panel.matrix(), panel.ends, panel.frequency, given, names)

    def rows(self, which: Ints, when: Ints, ahead: Ints) -> Rows:
        """Return features of the periods `ahead` of origins.

        Args:
            which: series of each row.
            when: place of the first period that is not known.
            ahead: 1 for that period, 2 for the one after it.
        """
        season, spans = self.frequency.season, SPANS[self.frequency.season]
        means = [self.mean(which, when - span, when) for span in spans]
        level = self._level(which, when, means)
        noise = ratio(self._change, self._changes, which, when - spans[3], when) / level
        year = YEAR[season]
        target = when + ahead - 1
        same = self._same(which, when, ahead) / level if season <= 12 else np.zeros((0, len(which)))
        yearly = self._yearly(which, when, target, year, spans)
        shared = self._shared(when, target, year, spans)
        with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            blocks = {
                HORIZON: [ahead],
                LAGS: [
                    *(self._at(which, when - 1 - index, when) / level for index in range(3)),
                    *same,
                    *([np.nanmean(same, axis=0), np.nanmedian(same, axis=0)] if len(same) else []),
                ],
                YEAR_BEFORE: [*(found / level for found in yearly[:3]), *yearly[3:]],
                OTHERS: shared,
                LEVEL: [
                    *(mean / level for mean in means),
                    *(ratio(self._sold, self._known, which, when - span, when) for span in spans[1:3]),
                    when - self._last_sold[which, np.maximum(when - 1, 0)],
                    np.log(level),
                    noise,
                    self._known[which, when],
                ],
                CALENDAR: calendar(self.frequency, self._ends[which] - self.values.shape[1] + target),
                **{name: [known[which, target]] for name, known in zip(self._names, self._given, strict=True)},
            }
        # A series of nothing but zeros goes on so, whatever the others do.
        silent = (when == self.values.shape[1]) & (self._last_sold[which, -1] < 0)
        level = np.where(silent, 0.0, level)
        features = [feature for block in blocks.values() for feature in block]
        groups = tuple(name for name, block in blocks.items() for _ in block)
        return Rows(np.column_stack(features).astype(np.float32), level, np.nan_to_num(noise, nan=1.0), groups)

    def _shared(self, when: Ints, target: Ints, year: int, spans: tuple[int, ...]) -> list[Floats]:
        """Return how all series together stand: lately, at this place in the season, and a year before the target."""
        season = self.frequency.season
        lag = season if season <= 12 else 1
        every = np.zeros_like(when)

        def mean(first: Ints, last: Ints) -> Floats:
            return ratio(self._whole, self._wholes, every, first, last)

        now = mean(when - spans[1], when)
        back = target - -(-(target - when + 1) // lag) * lag
        far = -(-(target - when + 1) // year) * year
        then, before = target - far, mean(when - far - spans[1], when - far)
        around = 3 if season == 7 else 1
        with np.errstate(divide="ignore", invalid="ignore"):
            found = [
                mean(when - spans[0], when) / now,
                now / mean(when - spans[2], when),
                mean(back, back + 1) / now,
                mean(back - lag, back - lag + 1) / now,
                mean(then, np.minimum(then + 1, when)) / before,
                mean(then - around, np.minimum(then + around + 1, when)) / before,
            ]
        # Of nothing there is no multiple.
        return [np.where(np.isfinite(one), one, np.nan) for one in found]

    def _level(self, which: Ints, when: Ints, means: list[Floats]) -> Floats:
        recent, long_run = (np.abs(np.nan_to_num(means[index])) for index in (1, 3))
        level = (1 - LONG_SHARE) * recent + LONG_SHARE * long_run
        ever = np.abs(np.nan_to_num(self.mean(which, np.zeros_like(when), when)))
        return np.where(level > 0, level, np.where(ever > 0, ever, 1.0))

    def _at(self, which: Ints, place: Ints, when: Ints) -> Floats:
        inside = (place >= 0) & (place < when)
        found: Floats = np.where(inside, self.values[which, np.where(inside, place, 0)], np.nan)
        return found

    def _same(self, which: Ints, when: Ints, ahead: Ints) -> Floats:
        season = self.frequency.season
        whole = -(-ahead // season) * season
        back = [when + ahead - 1 - whole - season * index for index in range(SAME_PLACES)]
        return np.stack([self._at(which, place, when) for place in back])

    def _yearly(self, which: Ints, when: Ints, target: Ints, year: int, spans: tuple[int, ...]) -> list[Floats]:
        """Return what was a year before the target, around it, and how much that was of what was before it then."""
        around = 3 if self.frequency.season == 7 else 1
        far = -(-(target - when + 1) // year) * year
        then = target - far
        near = self.mean(which, then - around, np.minimum(then + around + 1, when))
        before = self.mean(which, when - far - spans[1], when - far)
        with np.errstate(divide="ignore", invalid="ignore"):
            return [
                self._at(which, then, when),
                near,
                before,
                near / np.where(before > 0, before, np.nan),
                self._at(which, then, when) / np.where(near > 0, near, np.nan),
            ]


def ratio(sums: Floats, counts: Floats, which: Ints, first: Ints, last: Ints) -> Floats:
    """Return sums over counts between places, NaN where there is nothing."""
    last = np.clip(last, 0, sums.shape[1] - 1)
    first = np.clip(first, 0, last)
    count = counts[which, last] - counts[which, first]
    return (sums[which, last] - sums[which, first]) / np.where(count > 0, count, np.nan)


def whole(values: Floats) -> Floats:
    """Return the mean of all series that have begun, each in multiples of its first mean so far, shape (1, periods).

    A multiple of what was known at the time, so that no later value changes it.
    """
    known = np.isfinite(values)
    counts = np.cumsum(known, axis=1)
    sofar = np.cumsum(np.where(known, np.abs(values), 0.0), axis=1) / np.maximum(counts, 1)
    relative = np.where(known & (sofar > 0), values / np.where(sofar > 0, sofar, 1.0), 0.0)
    there = known & (sofar > 0)
    found: Floats = relative.sum(axis=0, keepdims=True) / np.maximum(there.sum(axis=0, keepdims=True), 1)
    return found


def running(values: Floats) -> Floats:
    """Return the sums of each row up to before each place, one column more than `values`; NaN counts as nothing."""
    sums = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(np.nan_to_num(values), axis=1, out=sums[:, 1:])
    return sums


def last_place(there: npt.NDArray[np.bool_]) -> Ints:
    """Return for each place the last place up to it at which there was something, -1 for none."""
    places = np.where(there, np.arange(there.shape[1])[None, :], -1)
    return np.asarray(np.maximum.accumulate(places, axis=1), np.int64)


def calendar(frequency: Frequency, numbers: Ints) -> list[Ints]:
    """Return where periods are in the year, the month and the week."""
    days = frequency.first_days(numbers)
    months = days.astype("datetime64[M]")
    of_month = (days - months).astype(np.int64)
    of_year = (days - days.astype("datetime64[Y]")).astype(np.int64)
    found: list[Ints] = [of_year, months.astype(np.int64) % 12]
    if frequency.season == 7:
        found += [(numbers + 3) % 7, of_month]
    if frequency.season == 52:
        found += [of_month]
    return found
