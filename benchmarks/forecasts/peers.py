"""What others forecast: statsforecast, Prophet and a LightGBM over all series, each as its documentation sets it up.

None of them is a dependency of the platform: `pip install statsforecast mlforecast lightgbm prophet`. What is not
installed is left out, and said.
"""

from __future__ import annotations

import inspect
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from benchmarks.forecasts.remembered import remembered
from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.models.naive import SeasonalNaive
from services.market_intel.forecasting.panel import Floats, Panel

SERIES_FOR_SLOW = 40
"""Prophet and AutoARIMA take a second a series: they are measured on so many of a panel, beside ours on the same."""

Peer = Callable[[str, Panel, int], Forecast]
PACKAGES = ("statsforecast", "mlforecast", "lightgbm", "prophet")
WINDOWS = 2
"""Conformal windows of mlforecast."""

BANDS = ("-lo-95", "-lo-80", "", "-hi-80", "-hi-95")


@dataclass(frozen=True)
class Timed:
    """What one peer said of a panel."""

    name: str
    forecast: Forecast
    seconds: float


def missing() -> list[str]:
    """Return the packages that are not installed."""
    return [name for name in PACKAGES if find_spec(name) is None]


def versions() -> str:
    """Return the versions of the packages that are installed."""
    return ", ".join(f"{name} {version(name)}" for name in PACKAGES if find_spec(name))


def peers(panel: Panel, horizon: int, *, slow: bool) -> Iterator[Timed]:
    """Yield what each installed peer says; the slow ones only where they are asked for."""
    lacking = missing()
    members: list[Forecast] = []
    if "statsforecast" not in lacking:
        for name in ("AutoETS", "AutoTheta", *(["AutoARIMA"] if slow else [])):
            one = timed(name, of_statsforecast, panel, horizon)
            members.append(one.forecast)
            yield one
        mean = [np.mean([getattr(one, part) for one in members], axis=0) for part in ("mean", "quantiles")]
        yield Timed("statsforecast ensemble", Forecast(*mean), float("nan"))
    if "mlforecast" not in lacking and "lightgbm" not in lacking:
        yield timed("LightGBM (mlforecast)", of_mlforecast, panel, horizon)
    if slow and "prophet" not in lacking:
        yield timed("Prophet", of_prophet, panel, horizon)


def timed(name: str, peer: Peer, panel: Panel, horizon: int) -> Timed:
    def ask() -> tuple[Forecast, float]:
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = peer(name, panel, horizon)
        return found, time.perf_counter() - begun

    setup = "".join(inspect.getsource(one) for one in (peer, frame, shaped))
    return Timed(name, *remembered(f"{name} of {versions()} by {setup}", name, panel, horizon, ask))


def frame(panel: Panel, *, dates: bool):
    import pandas as pd

    numbers = np.concatenate([np.arange(a, b) for a, b in zip(panel.starts, panel.ends, strict=True)])
    when = panel.frequency.first_days(numbers) if dates else numbers
    ids = np.repeat([f"{index:06d}" for index in range(len(panel))], panel.lengths)
    return pd.DataFrame({"unique_id": ids, "ds": when, "y": np.nan_to_num(panel.values)})


def of_statsforecast(name: str, panel: Panel, horizon: int) -> Forecast:
    from statsforecast import StatsForecast, models

    made = getattr(models, name)(season_length=panel.frequency.season)
    run = StatsForecast(models=[made], freq=1, n_jobs=1, fallback_model=models.SeasonalNaive(panel.frequency.season))
    out = run.forecast(df=frame(panel, dates=False), h=horizon, level=[80, 95])
    return shaped({band: out[f"{name}{band}"].to_numpy() for band in BANDS}, len(panel), horizon)


def shaped(found: dict[str, Floats], series: int, horizon: int) -> Forecast:
    values = [found[band].reshape(series, horizon) for band in BANDS]
    return Forecast(values[2], np.sort(np.stack(values, axis=2), axis=2))


def of_mlforecast(name: str, panel: Panel, horizon: int) -> Forecast:
    """Return a recursive LightGBM: lags, rolling means, calendar, series standardised; bands by conformal windows.

    It refuses series too short for its conformal windows; those are forecast seasonal naive, as statsforecast does.
    """
    long = panel.lengths > WINDOWS * horizon
    if not long.all():
        simple = SeasonalNaive().forecast(panel, horizon)
        found = of_mlforecast(name, panel.select(np.flatnonzero(long)), horizon)
        simple.mean[long], simple.quantiles[long] = found.mean, found.quantiles
        return simple
    import lightgbm
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean
    from mlforecast.target_transforms import LocalStandardScaler
    from mlforecast.utils import PredictionIntervals

    daily = panel.frequency.season == 7
    lags = [1, 2, 3, 7, 14, 21, 28] if daily else [1, 2, 3, 4, 8, 13, 26, 52]
    made = MLForecast(
        models={
            "mean": lightgbm.LGBMRegressor(
                objective="l2", n_estimators=300, learning_rate=0.05, verbosity=-1, n_jobs=2
            ),
            "median": lightgbm.LGBMRegressor(
                objective="l1", n_estimators=300, learning_rate=0.05, verbosity=-1, n_jobs=2
            ),
        },
        freq="D" if daily else "W-MON",
        lags=lags,
        lag_transforms={1: [RollingMean(7), RollingMean(28)] if daily else [RollingMean(4), RollingMean(13)]},
        date_features=["dayofweek", "day", "month", "week"] if daily else ["month", "week"],
        target_transforms=[LocalStandardScaler()],
        num_threads=2,
    )
    made.fit(frame(panel, dates=True), prediction_intervals=PredictionIntervals(n_windows=WINDOWS, h=horizon))
    out = made.predict(horizon, level=[80, 95])
    found = shaped({band: out[f"median{band}"].to_numpy() for band in BANDS}, len(panel), horizon)
    return Forecast(out["mean"].to_numpy().reshape(len(panel), horizon), found.quantiles)


def of_prophet(name: str, panel: Panel, horizon: int) -> Forecast:
    import pandas as pd
    from prophet import Prophet

    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
    mean, quantiles = [], []
    for index in range(len(panel)):
        one = panel.select([index])
        made = Prophet(uncertainty_samples=500)
        made.fit(frame(one, dates=True)[["ds", "y"]])
        days = one.frequency.first_days(int(one.ends[0]) + np.arange(horizon))
        ahead = pd.DataFrame({"ds": days})
        draws = made.predictive_samples(ahead)["yhat"]
        mean.append(made.predict(ahead)["yhat"].to_numpy())
        quantiles.append(np.quantile(draws, LEVELS, axis=1).T)
    return Forecast(np.stack(mean), np.stack(quantiles))
