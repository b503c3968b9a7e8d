"""How good forecasts were, a figure a series; NaN where a figure is not defined.

Shapes: `actual` and `mean` (series, horizon), `quantiles` (series, horizon, levels). An actual that is NaN is left out.
Sources: Hyndman & Koehler (2006), "Another look at measures of forecast accuracy", for MASE and what is wrong with
MAPE; Makridakis et al. (2022), the M5 papers, for the scaled pinball loss.
"""

from __future__ import annotations

import warnings

import numpy as np

from services.market_intel.forecasting.panel import Floats, Panel

Figures = dict[str, Floats]


def mean_of(values: Floats) -> Floats:
    """Return the mean of each row without its NaNs, NaN for a row of nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found: Floats = np.nanmean(values, axis=1)
    return found


def rmse(actual: Floats, mean: Floats) -> Floats:
    """Return the root mean squared error."""
    return np.sqrt(mean_of((actual - mean) ** 2))


def mae(actual: Floats, mean: Floats) -> Floats:
    """Return the mean absolute error."""
    return mean_of(np.abs(actual - mean))


def mape(actual: Floats, mean: Floats) -> Floats:
    """Return the mean absolute error in percent of the actual; not defined for a series with a zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 100 * mean_of(np.abs((actual - mean) / actual))
    return np.where((actual == 0).any(axis=1), np.nan, found)


def smape(actual: Floats, mean: Floats) -> Floats:
    """Return the mean of 200 |a - f| / (|a| + |f|), 0-200; 0 where both are 0."""
    total = np.abs(actual) + np.abs(mean)
    share = np.where(total == 0, 0.0, 200 * np.abs(actual - mean) / np.where(total == 0, 1.0, total))
    return mean_of(np.where(np.isnan(actual), np.nan, share))


def r2(actual: Floats, mean: Floats) -> Floats:
    """Return the share of the variance over the horizon that is explained; not defined for a constant actual."""
    about = mean_of((actual - mean_of(actual)[:, None]) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(about > 0, 1 - mean_of((actual - mean) ** 2) / about, np.nan)


def scale(history: Panel) -> Floats:
    """Return the mean absolute change over a season in the history of each series, NaN where it is 0 or unknown.

    What MASE is a multiple of: the error of the seasonal naive forecast in the past. A series without two seasons is
    scaled by its changes from one period to the next.
    """
    season = history.frequency.season
    found = np.full(len(history), np.nan)
    for index in range(len(history)):
        values = history.series(index)
        lag = season if len(values) > season else 1
        changes = np.abs(values[lag:] - values[:-lag])
        if len(changes) and not np.isnan(changes).all():
            found[index] = np.nanmean(changes)
    return np.where(found > 0, found, np.nan)


def pinball(actual: Floats, quantiles: Floats, levels: Floats) -> Floats:
    """Return the mean over horizon and levels of the quantile loss, in the series' own unit.

    Args:
        actual: shape (series, horizon).
        quantiles: shape (series, horizon, levels).
        levels: the probabilities, shape (levels,).
    """
    off = actual[:, :, None] - quantiles
    loss = np.maximum(levels * off, (levels - 1) * off)
    return mean_of(loss.reshape(len(actual), -1))


def coverage_pct(actual: Floats, lower: Floats, upper: Floats) -> Floats:
    """Return the share of actuals within the bounds, both included, 0-100."""
    inside = np.where(np.isnan(actual), np.nan, (lower <= actual) & (actual <= upper))
    return 100 * mean_of(inside)


def point_figures(actual: Floats, mean: Floats, scales: Floats) -> Figures:
    """Return every figure of the point forecast by its name."""
    errors = mae(actual, mean)
    return {
        "rmse": rmse(actual, mean),
        "mae": errors,
        "mape": mape(actual, mean),
        "smape": smape(actual, mean),
        "mase": errors / scales,
        "r2": r2(actual, mean),
    }
