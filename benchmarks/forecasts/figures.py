"""Figures of forecasts over several origins, with bootstrap intervals over series."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.panel import Floats, Panel

DRAWS = 1000
GROUPS = ((1, 7), (8, 14), (15, 28))
"""Periods ahead that coverage and bias are shown for."""


@dataclass(frozen=True)
class Answer:
    """What one model said at one origin, and what came; shape (series, horizon)."""

    name: str
    known: Panel
    actual: Floats
    forecast: Forecast
    seconds: float


def figures(answers: Sequence[Answer]) -> dict[str, dict[str, object]]:
    """Return for each model its figures: means over series and origins."""
    names = list(dict.fromkeys(one.name for one in answers))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        each = {name: of_one([one for one in answers if one.name == name]) for name in names}
    naive = each["seasonal_naive"]["mase_of"]
    found: dict[str, dict[str, object]] = {}
    for name, one in each.items():
        mase, ql = by_series(one["mase_of"]), by_series(one["ql_of"])
        found[name] = {
            "mase": mean(mase),
            "mase_interval": bootstrap(mase),
            "ql": mean(ql),
            "ql_interval": bootstrap(ql),
            "worse_than_naive_pct": share_worse(one["mase_of"], naive),
            **{key: value for key, value in one.items() if not key.endswith("_of")},
        }
    return found


def of_one(answers: Sequence[Answer]) -> dict[str, object]:
    mase, ql, rmsse, ids = [], [], [], []
    for one in answers:
        scale, middle = scores.scale(one.known), one.forecast.quantiles[:, :, 2]
        mase.append(scores.mae(one.actual, middle) / scale)
        rmsse.append(scores.rmse(one.actual, one.forecast.mean) / scale)
        ql.append(2 * scores.pinball(one.actual, one.forecast.quantiles, LEVELS) / scale)
        ids.append(one.known.ids)
    actual = np.concatenate([one.actual for one in answers])
    expected = np.concatenate([one.forecast.mean for one in answers])
    bounds = np.concatenate([one.forecast.quantiles for one in answers])
    horizon = actual.shape[1]
    sums = [(float(one.forecast.mean.sum()), float(one.actual.sum())) for one in answers]
    daily = [np.abs(one.forecast.mean.sum(axis=0) / one.actual.sum(axis=0) - 1) for one in answers]
    return {
        "mase_of": (ids, mase),
        "ql_of": (ids, ql),
        "rmsse": float(np.nanmean(np.concatenate(rmsse))),
        "coverage_80_pct": covered(actual, bounds, 1, 3),
        "coverage_95_pct": covered(actual, bounds, 0, 4),
        "coverage_80_by_origin": [covered(one.actual, one.forecast.quantiles, 1, 3) for one in answers],
        "bias_pct": 100 * (sum(said for said, _ in sums) / sum(came for _, came in sums) - 1),
        "bias_by_origin": [100 * (said / came - 1) for said, came in sums],
        "by_horizon": [
            {
                "from": first,
                "to": min(last, horizon),
                "coverage_80_pct": covered(actual[:, first - 1 : last], bounds[:, first - 1 : last], 1, 3),
                "bias_pct": float(100 * (expected[:, first - 1 : last].sum() / actual[:, first - 1 : last].sum() - 1)),
                "mape_of_sum_pct": finite(100 * float(np.mean([one[first - 1 : last].mean() for one in daily]))),
            }
            for first, last in GROUPS
            if first <= horizon
        ],
        "seconds": finite(float(np.mean([one.seconds for one in answers]))),
        "scored": int(np.isfinite(np.concatenate(mase)).sum()),
    }


def finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def covered(actual: Floats, bounds: Floats, lower: int, upper: int) -> float:
    return float(np.mean((bounds[:, :, lower] <= actual) & (actual <= bounds[:, :, upper])) * 100)


def by_series(found: object) -> Floats:
    """Return the mean over origins of each series, which is what may be drawn anew: origins of one go together."""
    ids, values = found  # type: ignore[misc]
    names = np.concatenate([np.asarray(one) for one in ids])
    all_values = np.concatenate(values)
    good = np.isfinite(all_values)
    _, places = np.unique(names[good], return_inverse=True)
    return np.bincount(places, all_values[good]) / np.bincount(places)


def mean(values: Floats) -> float:
    return float(values.mean())


def bootstrap(values: Floats) -> list[float] | None:
    """Return the 95 % interval of the mean over series, None for fewer than five."""
    if len(values) < 5:
        return None
    drawn = np.random.default_rng(1).choice(values, (DRAWS, len(values))).mean(axis=1)
    return [float(one) for one in np.quantile(drawn, [0.025, 0.975])]


def share_worse(mine: object, naive: object) -> float:
    return float(100 * np.mean(by_series(mine) > by_series(naive)))
