"""Series of like length taken through a model together, as rows of one matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import Ints

RECENT_PERIODS = {7: 1100, 52: 420, 12: 240}
"""Season → periods back that parameters are learnt from: what is older says little and costs as much."""

CHUNK = 512
"""Series at once: their states for all candidates stay in the processor's cache."""

Rows = Callable[[Floats, int, int], tuple[Floats, Floats, npt.NDArray[np.object_]]]
"""Takes a matrix whose ends are in the last column, season and horizon; returns mean, quantiles and what is told."""


def together(rows: Rows, panel: Panel, horizon: int) -> Forecast:
    """Return the forecasts that `rows` makes of all series."""
    season = panel.frequency.season
    mean, quantiles = np.empty((len(panel), horizon)), np.empty((len(panel), horizon, len(LEVELS)))
    told = np.empty(len(panel), object)
    for chosen in chunks(panel.lengths):
        values = panel.select(chosen).matrix(RECENT_PERIODS[season])
        mean[chosen], quantiles[chosen], told[chosen] = rows(values, season, horizon)
    return Forecast(mean, quantiles, tuple(told))


def chunks(lengths: Ints) -> Iterator[Ints]:
    """Yield the places of series in chunks of about equal length, so that little is computed for nothing."""
    order = np.argsort(lengths, kind="stable")
    for first in range(0, len(order), CHUNK):
        yield order[first : first + CHUNK]
