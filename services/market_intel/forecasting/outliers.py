"""Single observations so far from all others that they say nothing of what comes: a slip, or one huge order.

Left in, one of them sets the level of a smoothed series for weeks, the seasonal naive forecast repeats it, and every
error is small against it. It is told apart from what does come again: peaks that are many, that stand beside others
(a sale, a level that has shifted), or that were there a year before or after are left as they are.
Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 13.9; Hampel (1974) for the median absolute
deviation as the scale.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import Frequency, Ints

FAR = 10.0
"""Standard deviations, as the middle half of the series tells them, from the median and from what stands around."""

NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution in multiples of its median absolute deviation."""

ONE_IN = 100
"""Of so many observations one may be an outlier; where there are more, they are how the series is."""

FEWEST = 20
ALONE = 3
"""Periods on both sides, at this day and a year before and after, in which there is no other."""


def without_outliers(panel: Panel) -> tuple[Panel, tuple[str, ...]]:
    """Return the panel with the median of what stands around in the place of each outlier, and for each series a note.

    A note is empty where nothing was changed. Nothing is where regressors are known: they may be what explains a peak.
    """
    notes = [""] * len(panel)
    if panel.regressors is not None:
        return panel, tuple(notes)
    values = panel.values.copy()
    for index in range(len(panel)):
        series = panel.series(index)
        for place in outliers(series, panel.frequency):
            usual = around(series, int(place), panel.frequency.season)
            values[panel.offsets[index] + place] = usual
            day = panel.frequency.first_day(int(panel.starts[index] + place))
            notes[index] += f"; {series[place]:g} of {day} is far from all others and counts as {usual:.4g}"
    return (replace(panel, values=values) if any(notes) else panel), tuple(notes)


def outliers(series: Floats, frequency: Frequency) -> Ints:
    """Return the places of the outliers of one series, NaN where it is not known."""
    nothing = np.zeros(0, np.int64)
    known = series[np.isfinite(series)]
    if len(known) < FEWEST:
        return nothing
    middle = float(np.median(known))
    far = FAR * NORMAL_MAD * float(np.median(np.abs(known - middle)))
    places = np.flatnonzero(np.nan_to_num(np.abs(series - middle)) > far)
    if far <= 0 or not len(places) or len(places) > max(1, len(known) // ONE_IN):
        return nothing
    apart = np.abs(places[:, None] - places)
    years = np.abs(apart - frequency.year * np.maximum(np.round(apart / frequency.year), 1))
    with_others = ((np.minimum(apart, years) <= ALONE) & (apart > 0)).any(axis=1)
    alone = [at for at in places[~with_others] if abs(series[at] - around(series, int(at), frequency.season)) > far]
    return np.array(alone, np.int64)


def around(series: Floats, place: int, season: int) -> float:
    """Return the median of what is known within a season before and after a place; the observation where nothing is."""
    near = np.concatenate([series[max(place - season, 0) : place], series[place + 1 : place + 1 + season]])
    known = near[np.isfinite(near)]
    return float(np.median(known)) if len(known) else float(series[place])
