"""Series taken through a model one after the other, and through a simpler model where that one cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType

import numpy as np

from services.market_intel.forecasting.model import LEVELS, Forecast, ModelNotInstalled
from services.market_intel.forecasting.models.smoothing import ExponentialSmoothing
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import Frequency

RUNAWAY = 1e3
"""A forecast so many times beyond the largest value ever seen is a fit gone wrong."""


class CannotFit(Exception):
    """This model has no answer for this series; the text says why, for people."""


@dataclass(frozen=True)
class One:
    """One series.

    Attributes:
        frequency: length of a period.
        start: number of its first period.
        values: in multiples of its largest value, from the first that is known; NaN where none is.
        names: of its regressors, without those that never change.
        past: the regressors, shape (regressors, periods), each with mean 0 and deviation 1 over the past.
        ahead: the same for the periods to come, shape (regressors, horizon).
    """

    frequency: Frequency
    start: int
    values: Floats
    names: tuple[str, ...]
    past: Floats
    ahead: Floats


@dataclass(frozen=True)
class Answer:
    """What comes next in one series, in its multiples: mean (horizon,), quantiles (horizon, levels) and parts."""

    mean: Floats
    quantiles: Floats
    told: str
    components: Mapping[str, Floats] = field(default_factory=dict)


Fit = Callable[[One, int], Answer]


def library(name: str, model: str, remedy: str) -> ModuleType:
    """Return a library that not every installation has.

    Raises:
        ModelNotInstalled: it is not there.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ModelNotInstalled(f"{model} needs {name.partition('.')[0]}, which is not installed; {remedy}") from error


def alone(fit: Fit, panel: Panel, horizon: int, *, title: str, least: int, most: int) -> Forecast:
    """Return the forecasts that `fit` makes of each series, and those of exponential smoothing where it cannot.

    Args:
        fit: makes the forecast of one series.
        panel: all of them.
        horizon: periods ahead.
        title: of the model, for what is told of a series it could not do.
        least: known values below which it is not tried.
        most: periods back that it learns from.
    """
    mean, quantiles = np.zeros((len(panel), horizon)), np.zeros((len(panel), horizon, len(LEVELS)))
    told, parts, failed = [""] * len(panel), dict[str, Floats](), list[int]()
    for index in range(len(panel)):
        try:
            answer, scale = answered(fit, panel.select([index]), horizon, least, most)
        except CannotFit as reason:
            told[index] = f"exponential smoothing instead of {title}: {reason}"
            failed.append(index)
            continue
        mean[index], quantiles[index], told[index] = answer.mean * scale, answer.quantiles * scale, answer.told
        for name, part in answer.components.items():
            parts.setdefault(name, np.zeros((len(panel), horizon)))[index] = part * scale
    if failed:
        simpler = ExponentialSmoothing().forecast(panel.select(failed), horizon)
        mean[failed], quantiles[failed] = simpler.mean, simpler.quantiles
        if parts:
            parts.setdefault("trend", np.zeros((len(panel), horizon)))[failed] = simpler.mean
    return Forecast(mean, quantiles, tuple(told), parts)


def answered(fit: Fit, panel: Panel, horizon: int, least: int, most: int) -> tuple[Answer, float]:
    """Return the answer for the only series of a panel, and what it is a multiple of.

    Raises:
        CannotFit: too short, constant, or the fit went wrong.
    """
    values = panel.matrix(most)[0]
    past, ahead = (matrices[:, 0] for matrices in panel.regressor_matrices(horizon, most))
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < least:
        raise CannotFit(f"{len(known)} known values, fewer than {least}")
    values, past = values[known[0] :], past[:, known[0] :]
    largest, smallest = float(np.nanmax(values)), float(np.nanmin(values))
    scale = max(abs(largest), abs(smallest))
    if largest - smallest <= 1e-9 * scale:
        raise CannotFit("it is constant")
    varied = np.ptp(past, axis=1) > 0
    centre, spread = past[varied].mean(axis=1, keepdims=True), past[varied].std(axis=1, keepdims=True)
    names = tuple(np.array(panel.regressors.names)[varied].tolist()) if panel.regressors else ()
    start = int(panel.ends[0]) - len(values)
    one = One(
        panel.frequency,
        start,
        values / scale,
        names,
        (past[varied] - centre) / spread,
        (ahead[varied] - centre) / spread,
    )
    return sane(fit(one, horizon), smallest >= 0), scale


def sane(answer: Answer, positive: bool) -> Answer:
    """Return the answer with its quantiles in order, and not below zero for a series that never was.

    Raises:
        CannotFit: it is not finite, or beyond all reason.
    """
    both = np.column_stack([answer.mean, answer.quantiles])
    if not np.isfinite(both).all() or np.abs(both).max() > RUNAWAY:
        raise CannotFit("its fit did not hold")
    quantiles = np.sort(answer.quantiles, axis=1)
    if not positive or min(answer.mean.min(), quantiles.min()) >= 0:
        return Answer(answer.mean, quantiles, answer.told, answer.components)
    mean = np.maximum(answer.mean, 0.0)
    parts = dict(answer.components)
    if parts and (mean > answer.mean).any():
        parts["not below zero"] = mean - answer.mean
    return Answer(mean, np.maximum(quantiles, 0.0), answer.told, parts)
