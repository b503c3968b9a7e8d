"""The automatic forecast: every model is tested on each series' own past, and the past decides what is answered.

What is answered as `mean` is the expected value: sums and averages of it are unbiased, and squared errors are least.
The median is as often too low as too high, and absolute errors (MASE) are least with it. On a product that sells on one
day in three they differ a lot: its median is 0, its mean is not; adding up medians loses a third of the sales.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.backtest import MEDIAN, Backtest, Progress, Run, answers, backtest
from services.market_intel.forecasting.combine import SQUARED, Shares, combined, pinball, shares
from services.market_intel.forecasting.conformal import Calibration, calibrate
from services.market_intel.forecasting.fallback import plausible, too_short
from services.market_intel.forecasting.model import LEVELS, Forecast, Model
from services.market_intel.forecasting.outliers import without_outliers
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.reasons import choices, interval_reasons, reasons
from services.market_intel.forecasting.registry import MODELS, title_of
from services.market_intel.forecasting.scores import Figures
from shared.errors import InvalidArgument

Effort = Literal["cheap", "full"]
TESTS = 12
"""Forecasts of the past that a choice should rest on, over all series; few series are tested at more origins."""

MOST_ORIGINS, LEAST_ORIGINS = 8, 3
MOST_LIFT = 0.2
FEW_SERIES = 12
"""Up to so many series `full` also tries ARIMA: about a second for each of them at each origin."""

KEPT = 0.5
"""Share of its distance that a bound keeps: with 0 an upper bound of 90 % could stand right at the median."""

POINT, BAND = LEVELS[[MEDIAN]], np.delete(LEVELS, MEDIAN)


class UnknownLevel(InvalidArgument):
    """An interval that is not forecast."""

    reason = "UNKNOWN_LEVEL"


@dataclass(frozen=True)
class Automatic:
    """A forecast, and how it came about.

    Attributes:
        forecast: of every series; its mean is the expected value, its median the middle of what may come.
        chosen: for each series the name of the model, or `ensemble` for a combination.
        why: for each series the reason in words.
        intervals: for each series where its interval comes from.
        backtest: what every model would have said in the past.
        weights: share of each model in the median of each series, by model.
        expected: share of each in the mean, the same way.
        figures: of the answer itself on the backtest by their name, one a series, each origin by shares learnt from the
            others; its intervals are those that were moved by the same tests.
        members: what each model says by itself, NaN where it has no answer.
        panel: the series as they were learnt from, without outliers.
        seconds: what all of it took, of wall clock.
    """

    forecast: Forecast
    chosen: tuple[str, ...]
    why: tuple[str, ...]
    intervals: tuple[str, ...]
    backtest: Backtest
    weights: Mapping[str, Floats]
    expected: Mapping[str, Floats]
    figures: Figures
    members: Mapping[str, Forecast]
    panel: Panel
    seconds: float


def models_of(effort: Effort, series: int | None = None) -> dict[str, Model]:
    """Return the models to choose from; those that fit one series after the other only for so few as FEW_SERIES."""
    from services.market_intel.forecasting.models.intermittent import Intermittent  # noqa: PLC0415
    from services.market_intel.forecasting.models.naive import MovingAverage, SeasonalNaive  # noqa: PLC0415
    from services.market_intel.forecasting.models.regression import Regression  # noqa: PLC0415
    from services.market_intel.forecasting.models.smoothing import ExponentialSmoothing  # noqa: PLC0415
    from services.market_intel.forecasting.models.theta import Theta  # noqa: PLC0415

    found: list[Model] = [
        SeasonalNaive(),
        MovingAverage(),
        ExponentialSmoothing(),
        Theta(),
        Intermittent(),
        Regression(),
    ]
    if effort == "full":
        from services.market_intel.forecasting.models.gbm import GradientBoosting  # noqa: PLC0415

        found.append(GradientBoosting())
        if series is not None and series <= FEW_SERIES and MODELS["arima"].there:
            found.append(MODELS["arima"].make())
    return {one.name: one for one in found}


def automatic(
    panel: Panel,
    horizon: int,
    *,
    effort: Effort = "cheap",
    levels: Sequence[int] = (80, 95),
    progress: Progress | None = None,
    models: Mapping[str, Model] | None = None,
) -> Automatic:
    """Return the forecast that the past of each series speaks for.

    Args:
        panel: series.
        horizon: periods to forecast.
        effort: `cheap` answers one series of three years of days in about a second; `full` also trains a gradient
            boosting over all series, minutes for hundreds of them, and for a few fits an ARIMA to each.
        levels: intervals asked for; those of 80 and 95 % are all there are.
        progress: told how far it is.
        models: to choose from, by name, instead of those of the effort.

    Raises:
        UnknownLevel: an interval other than those.
    """
    if set(levels) - {80, 95}:
        raise UnknownLevel(f"there are intervals of 80 and 95 %, not of {sorted(set(levels) - {80, 95})}")
    begun = time.perf_counter()
    told = progress or (lambda share, phrase: None)
    tried = dict(models or models_of(effort, len(panel)))
    panel, changed = without_outliers(panel)
    ahead, origins, step = plan(panel, horizon)
    tests = backtest(panel, tried, ahead, origins, step=step, progress=lambda share, phrase: told(share * 0.7, phrase))
    chosen = choose(panel, tests)
    found = []
    for place, (name, model) in enumerate(tried.items()):
        told(70 + 30 * place / len(tried), f"forecasting by {title_of(name)}")
        found.append(answer(model, panel, horizon))
    return Automatic(
        plausible(panel, chosen.combined(found)),
        choices(chosen.names, chosen.middle.weights, chosen.untested, too_short(panel)),
        tuple(map(str.__add__, reasons(panel, tests, chosen.middle, chosen.untested, too_short(panel)), changed)),
        interval_reasons(chosen.names, chosen.band, tests, chosen.calibration.tests, too_short(panel)),
        tests,
        {name: chosen.middle.weights[:, index] for index, name in enumerate(chosen.names)},
        {name: chosen.expected.weights[:, index] for index, name in enumerate(chosen.names)},
        replace(tests, runs={"answer": chosen.past}).figures("answer"),
        dict(zip(chosen.names, found, strict=True)),
        panel,
        time.perf_counter() - begun,
    )


@dataclass(frozen=True)
class Choice:
    """What the past speaks for, settled before anything is forecast.

    Attributes:
        names: of the models.
        middle, band, expected: shares of the models in the median, the interval and the mean.
        lift: what the mean is multiplied by, 1 where sums of past forecasts were not off the same way each time.
        calibration: what the interval's bounds are multiplied by.
        untested: which series were too short for the backtest.
        past: what would have been answered at the origins of the backtest.
    """

    names: tuple[str, ...]
    middle: Shares
    band: Shares
    expected: Shares
    lift: float
    calibration: Calibration
    untested: npt.NDArray[np.bool_]
    past: Run

    def combined(self, found: Sequence[Forecast]) -> Forecast:
        """Return the combination of the models' forecasts."""
        said = np.stack([one.quantiles for one in found])[:, None]
        means = np.stack([one.mean for one in found])[:, None, :, :, None]
        quantiles = quantiles_of(said, self.middle.weights[None], self.band.weights[None])[0]
        mean = combined(means, self.expected.weights[None])[0, :, :, 0]
        return Forecast(self.lift * mean, self.calibration.applied(quantiles))


def choose(panel: Panel, tests: Backtest) -> Choice:
    """Return what a backtest speaks for."""
    scales = typical_errors(panel, tests)
    said = np.stack([run.quantiles for run in tests.runs.values()])
    means = np.stack([run.mean for run in tests.runs.values()])[..., None]
    middle = shares(tests.actual, said[..., [MEDIAN]], scales, pinball(POINT), tests.apart)
    band = shares(tests.actual, np.delete(said, MEDIAN, axis=-1), scales, pinball(BAND), tests.apart)
    expected = shares(tests.actual, means, scales, SQUARED, tests.apart)
    # Each origin by shares learnt from the others: those learnt from itself would make it look too easy.
    past = quantiles_of(said, middle.held_out, band.held_out)
    calibration = calibrate(tests.actual, past, scales, apart=tests.apart)
    expected_then = combined(means, expected.held_out)[..., 0]
    lift = lift_of(tests.actual, expected_then)
    untested = np.asarray(~tests.tested.any(axis=0))
    answered = Run(expected_then, np.stack([calibration.applied(one) for one in past]), 0.0)
    return Choice(tuple(tests.runs), middle, band, expected, lift, calibration, untested, answered)


def lift_of(actual: Floats, mean: Floats) -> float:
    """Return how much more came in all than was expected, as far as the origins agree on it.

    The mean of the origins' log ratios, shrunk by how surely it is not 0 (the positive part of James & Stein): where
    sums were too low once and too high once, nothing is changed. Nor where anything was below zero: a sum that passes
    zero is in no proportion to another.
    """
    known = np.isfinite(actual) & np.isfinite(mean)
    if (actual[known] < 0).any():
        return 1.0
    came, said = (np.where(known, one, 0.0).sum(axis=(1, 2)) for one in (actual, mean))
    usable = (came > 0) & (said > 0)
    if usable.sum() < LEAST_ORIGINS:
        return 1.0
    off = np.log(came[usable] / said[usable])
    doubt = off.var(ddof=1) / len(off)
    sure = max(0.0, 1 - doubt / max(off.mean() ** 2, 1e-12))
    return float(np.exp(np.clip(sure * off.mean(), -MOST_LIFT, MOST_LIFT)))


def quantiles_of(said: Floats, middle: Floats, band: Floats) -> Floats:
    """Return the quantiles of combinations, shape (origins, series, horizon, levels).

    The interval comes of one combination and the median of another. Where they disagree about the level, a bound may
    lie near that median, or beyond it: then it keeps at least KEPT of its distance from the median of its own.
    """
    found = combined(said, band)
    own, median = found[..., [MEDIAN]].copy(), combined(said[..., [MEDIAN]], middle)
    below = np.maximum(median - found[..., :MEDIAN], KEPT * (own - found[..., :MEDIAN]))
    above = np.maximum(found[..., MEDIAN + 1 :] - median, KEPT * (found[..., MEDIAN + 1 :] - own))
    return np.concatenate([median - np.maximum(below, 0), median, median + np.maximum(above, 0)], axis=-1)


def plan(panel: Panel, horizon: int) -> tuple[int, int, int]:
    """Return periods ahead to test, at how many origins, and how far these are apart."""
    lengths = np.sort(panel.lengths)
    typical = int(lengths[len(lengths) // 2])
    ahead = max(1, min(horizon, typical // 3))
    origins = int(np.clip(-(-TESTS // len(panel)), LEAST_ORIGINS, MOST_ORIGINS))
    # Origins reach back over half of a typical series at most; where they are many they overlap.
    room = max(typical // 2 - ahead, 0)
    step = max(1, min(ahead, room // max(origins - 1, 1)))
    return ahead, origins, step


def typical_errors(panel: Panel, tests: Backtest) -> Floats:
    """Return a typical error of each series, which losses are taken in multiples of; never 0."""
    errors = np.stack([np.abs(tests.actual - run.quantiles[..., MEDIAN]) for run in tests.runs.values()])
    known = np.isfinite(errors)
    in_tests = np.where(known, errors, 0.0).sum(axis=(0, 1, 3)) / np.maximum(known.sum(axis=(0, 1, 3)), 1)
    size = np.array([np.nanmean(np.abs(np.nan_to_num(panel.series(index)))) for index in range(len(panel))])
    # Where the past was quieter than the tests, or constant, the errors of the tests say what is large.
    found = np.fmax(np.nan_to_num(tests.scales), 0.25 * in_tests)
    return np.where(found > 0, found, np.where(size > 0, 1e-6 * size, 1.0))


def answer(model: Model, panel: Panel, horizon: int) -> Forecast:
    """Return what a model says of all series, NaN where it fails."""
    mean = np.full((len(panel), horizon), np.nan)
    quantiles = np.full((*mean.shape, len(LEVELS)), np.nan)
    for rows, found in answers(model, panel, horizon, []):
        mean[rows], quantiles[rows] = found.mean, found.quantiles
    return Forecast(mean, quantiles)
