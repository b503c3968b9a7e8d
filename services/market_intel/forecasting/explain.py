"""What a forecast is made up of, in parts that add up to its mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from services.market_intel.forecasting.model import Forecast, Model
from services.market_intel.forecasting.models.seasons import seasons_of
from services.market_intel.forecasting.panel import Floats, Panel

RECENT_SEASONS = 60


def components(panel: Panel, forecast: Forecast) -> Mapping[str, Floats]:
    """Return the parts of a forecast: the model's own, or its season and what is left, read off the history.

    Args:
        panel: what was forecast from.
        forecast: of all its series, by any model.

    Returns:
        Name of a part → shape (series, horizon). The parts of each period add up to the mean.
    """
    return forecast.components or season_and_trend(panel, forecast.mean)


def season_and_trend(panel: Panel, mean: Floats) -> Mapping[str, Floats]:
    """Return what the usual season makes of the mean, and the rest as its trend; the season where there is one."""
    season = panel.frequency.season
    values = panel.matrix(RECENT_SEASONS * season)
    if values.shape[1] < 2 * season:
        return {"trend": mean}
    found = seasons_of(values, season)
    adds, times = found.ahead(values.shape[1], mean.shape[1])
    trend = (mean - adds) / times
    return {"trend": trend, "season": mean - trend}


def effects(model: Model, panel: Panel, horizon: int) -> Mapping[str, Floats]:
    """Return what each regressor's values ahead make of any model's forecast, against its mean over the past.

    For models that have no parts of their own, such as trees and networks. The values ahead are replaced by their means
    one regressor after the other, so that the differences and what is left at the end (`history`) add up to the mean.
    The model learns as often as there are regressors, and once more; from the same past, with a fixed seed.

    Returns:
        Name of a regressor, or `history` → shape (series, horizon).
    """
    mean = model.forecast(panel, horizon).mean
    parts: dict[str, Floats] = {}
    known = panel.regressors
    if known is not None:
        past, _ = panel.regressor_matrices(horizon)
        usual = np.nanmean(past, axis=2, keepdims=True)
        ahead = known.ahead.copy()
        for index, name in enumerate(known.names):
            ahead[index] = usual[index]
            less = model.forecast(panel.with_regressors(replace(known, ahead=ahead.copy())), horizon).mean
            parts[name], mean = mean - less, less
    return {"history": mean, **parts}


def largest(parts: Mapping[str, Floats], series: int, most: int = 5) -> tuple[tuple[str, float], ...]:
    """Return the parts of one series' forecast beside its trend, the largest first: name and sum over the horizon."""
    sums = [(name, float(part[series].sum())) for name, part in parts.items() if name != "trend"]
    sized = sorted(sums, key=lambda one: -float(np.abs(parts[one[0]][series]).sum()))
    return tuple(one for one in sized if np.abs(parts[one[0]][series]).sum() > 0)[:most]
