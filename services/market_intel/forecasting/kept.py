"""What was chosen for a series, kept between runs, so that what has not changed is not tried again.

Kept are the shares of the models and how the intervals are to be mended, in plain numbers. A later run asks those
models alone, over the history as it is by then, and no backtest is run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from services.market_intel.forecasting.backtest import Backtest, backtest
from services.market_intel.forecasting.choose import Choice, answer, choose, plan, quantiles_of
from services.market_intel.forecasting.combine import combined
from services.market_intel.forecasting.conformal import Calibration
from services.market_intel.forecasting.fallback import plausible, too_short
from services.market_intel.forecasting.model import Forecast, Model
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.reasons import COMBINED, choices, interval_reasons, reasons

DIGITS = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """How one series is forecast.

    Attributes:
        mean, median, band: share of each model in the expected value, the median and the interval.
        factors: what the distances of the bounds from the median are multiplied by, shape (horizon groups, levels).
        least: least such distance.
        lift: what the expected value is multiplied by.
        chosen: name of the model, or that of a combination.
        why, intervals: the reason, and where the interval comes from, in words.
        on: last complete day when it was chosen.
        periods: complete periods of history then.
        error: scaled error of the backtest, as `forecast_accuracy` has it of forecasts; None where not defined.
    """

    mean: Mapping[str, float]
    median: Mapping[str, float]
    band: Mapping[str, float]
    factors: tuple[tuple[float, ...], ...]
    least: float
    lift: float
    chosen: str
    why: str
    intervals: str
    on: str
    periods: int
    error: float | None

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Kept:
        """Return what an artefact holds of a series."""
        return cls(**{**written, "factors": tuple(map(tuple, written["factors"]))})

    def written(self) -> dict[str, Any]:
        """Return it as an artefact holds it."""
        return asdict(self)

    @property
    def models(self) -> set[str]:
        """Return the models that are asked for the series."""
        return {name for shares in (self.mean, self.median, self.band) for name, share in shares.items() if share > 0}

    @property
    def way(self) -> tuple[object, ...]:
        """Return what two choices have in common that forecast alike."""
        shares = tuple(tuple(sorted(each.items())) for each in (self.mean, self.median, self.band))
        return (*shares, self.factors, self.least, self.lift)


@dataclass(frozen=True)
class Chosen:
    """What was chosen for the series of a panel, and the backtest it was chosen by, combination included."""

    kept: tuple[Kept, ...]
    tests: Backtest


def choose_for(panel: Panel, horizon: int, models: Mapping[str, Model], clock: dt.date) -> Chosen:
    """Return how each series is to be forecast by what its own past speaks for.

    Args:
        panel: the series.
        horizon: periods ahead.
        models: to choose from, by name.
        clock: last complete day.
    """
    found, tests = tested(panel, horizon, models)
    short = too_short(panel)
    names = choices(found.names, found.middle.weights, found.untested, short)
    why = reasons(panel, tests, found.middle, found.untested, short)
    whence = interval_reasons(found.names, found.band, tests, found.calibration.tests, short)
    together = replace(found.past, seconds=sum(run.seconds for run in tests.runs.values()))
    tests = replace(tests, runs={**tests.runs, COMBINED: together})
    errors = tests.figures(COMBINED)["mase"]
    kept = tuple(
        Kept(
            mean=shares_of(found.names, found.expected.weights[index]),
            median=shares_of(found.names, found.middle.weights[index]),
            band=shares_of(found.names, found.band.weights[index]),
            factors=tuple(tuple(rounded(row)) for row in found.calibration.factors[index]),
            least=rounded([found.calibration.least[index]])[0],
            lift=rounded([found.lift])[0],
            chosen=names[index],
            why=why[index],
            intervals=whence[index],
            on=clock.isoformat(),
            periods=int(panel.lengths[index]),
            error=rounded([errors[index]])[0] if np.isfinite(errors[index]) else None,
        )
        for index in range(len(panel))
    )
    return Chosen(kept, tests)


def tested(panel: Panel, horizon: int, models: Mapping[str, Model]) -> tuple[Choice, Backtest]:
    """Return the backtest and what it speaks for."""
    ahead, origins, step = plan(panel, horizon)
    tests = backtest(panel, models, ahead, origins, step=step)
    return choose(panel, tests), tests


def forecasts(
    panel: Panel, horizon: int, ways: Sequence[Sequence[Kept]], models: Mapping[str, Model]
) -> list[Forecast]:
    """Return the forecasts of a panel in several ways; a model is asked once, whatever the ways that need it.

    Args:
        panel: the series.
        horizon: periods ahead.
        ways: for each way one choice a series.
        models: by name.
    """
    wanted = {name for way in ways for kept in way for name in kept.models}
    found = {name: asked(name, model, panel, horizon, ways) for name, model in models.items() if name in wanted}
    return [plausible(panel, combination(way, found)) for way in ways]


def asked(name: str, model: Model, panel: Panel, horizon: int, ways: Iterable[Sequence[Kept]]) -> Forecast:
    """Return what a model says of the series that need it; a model that learns across series is shown them all."""
    needed = np.zeros(len(panel), bool)
    for way in ways:
        needed |= [name in kept.models for kept in way]
    if not getattr(model, "local", False) or needed.all():
        return answer(model, panel, horizon)
    rows = np.flatnonzero(needed)
    some = answer(model, panel.select(rows), horizon)
    mean = np.full((len(panel), *some.mean.shape[1:]), np.nan)
    quantiles = np.full((len(panel), *some.quantiles.shape[1:]), np.nan)
    mean[rows], quantiles[rows] = some.mean, some.quantiles
    return Forecast(mean, quantiles)


def combination(kept: Sequence[Kept], found: Mapping[str, Forecast]) -> Forecast:
    """Return the combination of the models' forecasts by the shares that were kept."""
    said = np.stack([one.quantiles for one in found.values()])[:, None]
    means = np.stack([one.mean for one in found.values()])[:, None, :, :, None]
    names = tuple(found)
    middle = weights(names, [one.median for one in kept])
    quantiles = quantiles_of(said, middle, weights(names, [one.band for one in kept]))[0]
    mean = combined(means, weights(names, [one.mean for one in kept]))[0, :, :, 0]
    calibration = Calibration(np.array([one.factors for one in kept]), np.array([one.least for one in kept]), 0)
    lift = np.array([one.lift for one in kept])[:, None]
    return Forecast(lift * mean, calibration.applied(quantiles))


def weights(names: Sequence[str], kept: Sequence[Mapping[str, float]]) -> Floats:
    """Return the shares of the models of each series, shape (1, series, models)."""
    return np.array([[[one.get(name, 0.0) for name in names] for one in kept]])


def shares_of(names: tuple[str, ...], weights: Floats) -> dict[str, float]:
    """Return the shares that are not 0, by model."""
    return {name: share for name, share in zip(names, rounded(weights), strict=True) if share > 0}


def rounded(values: Iterable[float]) -> list[float]:
    """Return numbers short enough to be written down: what they decide does not turn on the sixth digit."""
    return [float(f"{value:.{DIGITS}g}") for value in values]
