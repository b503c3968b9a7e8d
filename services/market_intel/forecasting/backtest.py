"""Rolling-origin backtests: what each model would have said at points in the past, and what then came.

At an origin the last periods of every series are held back (`Panel.before`), so a model can learn nothing from them.
Local models look at each series alone; the series as they stood at all origins go through them in one call, which
costs little more than one origin. A global model learns across series: it is called once an origin, as otherwise the
later origins of some series would tell it of the future of the earlier ones.
Source: Tashman (2000), "Out-of-sample tests of forecasting accuracy".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.model import LEVELS, Forecast, Model
from services.market_intel.forecasting.panel import Floats, Panel, Regressors
from services.market_intel.forecasting.registry import title_of
from services.market_intel.forecasting.scores import Figures

Progress = Callable[[float, str], None]
"""Told the share done, 0-100, and what is being done."""

ORIGINS = 3
LEAST_BEFORE = 4
"""Periods that a series must have before an origin to be tested there; also at least as many as are held back."""

LOWER_95, LOWER_80, MEDIAN, UPPER_80, UPPER_95 = range(5)


@dataclass(frozen=True)
class Run:
    """What one model said.

    Attributes:
        mean: shape (origins, series, horizon), NaN where the series was not tested or the model failed.
        quantiles: shape (origins, series, horizon, levels), NaN in the same places.
        seconds: what it took, of wall clock.
        notes: where it failed, and why, in words.
    """

    mean: Floats
    quantiles: Floats
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Backtest:
    """What models said at origins in the past.

    Attributes:
        ids: names of the series.
        held_back: periods after each origin, oldest origin first.
        actual: what came, shape (origins, series, horizon); NaN where unknown or not tested.
        scales: what MASE is a multiple of, of each series, from before the oldest origin that it was tested at.
        runs: by name of model.
    """

    ids: tuple[str, ...]
    held_back: tuple[int, ...]
    actual: Floats
    scales: Floats
    runs: Mapping[str, Run]

    @property
    def tested(self) -> npt.NDArray[np.bool_]:
        """Return at which origins each series was tested, shape (origins, series)."""
        return np.asarray(np.isfinite(self.actual).any(axis=2))

    @property
    def apart(self) -> float:
        """Return how far origins are apart, in multiples of the horizon; below 1 what is tested there overlaps."""
        if len(self.held_back) < 2:
            return 1.0
        return float(self.held_back[0] - self.held_back[1]) / float(self.actual.shape[2])

    def figures(self, name: str) -> Figures:
        """Return the figures of a model by their name, one a series over all origins; NaN where not defined."""
        run, actual = self.runs[name], end_to_end(self.actual)
        mean, quantiles = end_to_end(run.mean), end_to_end(run.quantiles)
        with np.errstate(divide="ignore", invalid="ignore"):
            bias = (
                100 * scores.mean_of(mean - actual) / np.abs(scores.mean_of(np.where(np.isnan(mean), np.nan, actual)))
            )
        # The median is what absolute errors ask for; squared ones and the bias ask for the mean.
        return {
            **scores.point_figures(actual, mean, self.scales),
            "mae": scores.mae(actual, quantiles[:, :, MEDIAN]),
            "mase": scores.mae(actual, quantiles[:, :, MEDIAN]) / self.scales,
            "pinball": scores.pinball(actual, quantiles, LEVELS),
            "coverage_80_pct": covered_pct(actual, quantiles, LOWER_80, UPPER_80),
            "coverage_95_pct": covered_pct(actual, quantiles, LOWER_95, UPPER_95),
            "bias_pct": np.where(np.isfinite(bias), bias, np.nan),
        }

    def worse_than_naive_pct(self, errors: Floats, naive: str = "seasonal_naive") -> float | None:
        """Return the share of series, 0-100, on which mean absolute errors are larger than the baseline's."""
        baseline = self.figures(naive)["mae"]
        known = np.isfinite(errors) & np.isfinite(baseline)
        return 100 * float((errors[known] > baseline[known]).mean()) if known.any() else None


def covered_pct(actual: Floats, quantiles: Floats, lower: int, upper: int) -> Floats:
    """Return the share of actuals within two of the quantiles, 0-100, where there was a forecast."""
    known = np.where(np.isnan(quantiles[:, :, lower]), np.nan, actual)
    return scores.coverage_pct(known, quantiles[:, :, lower], quantiles[:, :, upper])


def end_to_end(values: Floats) -> Floats:
    """Return the origins of each series one after the other: (origins, series, horizon, …) → (series, periods, …)."""
    moved = np.moveaxis(values, 0, 1)
    return moved.reshape(moved.shape[0], -1, *moved.shape[3:])


def backtest(
    panel: Panel,
    models: Mapping[str, Model],
    horizon: int,
    origins: int = ORIGINS,
    *,
    step: int | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Return what models would have said of the last periods of a panel.

    Args:
        panel: series; one that is too short for an origin is not tested there.
        models: by name. One that fails on a series is noted with its sentence, and the others go on.
        horizon: periods to forecast from each origin.
        origins: how many; the last has `horizon` periods after it.
        step: periods between origins; `horizon` when None, so that no period is tested twice.
        progress: told how far it is.
    """
    apart = step or horizon
    held_back = tuple(horizon + apart * index for index in reversed(range(origins)))
    tested = [np.flatnonzero(panel.lengths >= cut + max(cut, LEAST_BEFORE)) for cut in held_back]
    actual = np.full((origins, len(panel), horizon), np.nan)
    for index, (cut, chosen) in enumerate(zip(held_back, tested, strict=True)):
        if len(chosen):
            last = panel.select(chosen).matrix(cut)
            actual[index, chosen] = last[:, :horizon]
    runs = {}
    for place, (name, model) in enumerate(models.items()):
        if progress:
            progress(100 * place / len(models), f"testing {title_of(name)} at {origins} points in the past")
        runs[name] = run(panel, model, horizon, held_back, tested)
    return Backtest(panel.ids, held_back, actual, scales(panel, held_back, tested), runs)


def scales(panel: Panel, held_back: Sequence[int], tested: Sequence[npt.NDArray[np.int64]]) -> Floats:
    """Return what MASE is a multiple of, from before the oldest origin of each series."""
    found = np.full(len(panel), np.nan)
    for cut, chosen in zip(reversed(held_back), reversed(tested), strict=True):
        if len(chosen):
            found[chosen] = scores.scale(panel.select(chosen).before(cut))
    return found


def run(
    panel: Panel, model: Model, horizon: int, held_back: Sequence[int], tested: Sequence[npt.NDArray[np.int64]]
) -> Run:
    """Return what one model said at every origin."""
    begun = time.perf_counter()
    mean = np.full((len(held_back), len(panel), horizon), np.nan)
    quantiles = np.full((*mean.shape, len(LEVELS)), np.nan)
    notes: list[str] = []
    known = [(index, panel.select(chosen).before(cut)) for index, (cut, chosen) in places(held_back, tested)]
    calls = [known] if getattr(model, "local", False) else [[one] for one in known]
    for call in filter(None, calls):
        origin = np.concatenate([np.full(len(one), index) for index, one in call])
        series = np.concatenate([tested[index] for index, _ in call])
        for rows, found in answers(model, stacked([one for _, one in call]), horizon, notes):
            mean[origin[rows], series[rows]] = found.mean
            quantiles[origin[rows], series[rows]] = found.quantiles
    return Run(mean, quantiles, time.perf_counter() - begun, tuple(notes))


def places(
    held_back: Sequence[int], tested: Sequence[npt.NDArray[np.int64]]
) -> Iterator[tuple[int, tuple[int, npt.NDArray[np.int64]]]]:
    """Yield the origins at which some series is tested."""
    for index, (cut, chosen) in enumerate(zip(held_back, tested, strict=True)):
        if len(chosen):
            yield index, (cut, chosen)


def answers(
    model: Model, panel: Panel, horizon: int, notes: list[str]
) -> Iterator[tuple[npt.NDArray[np.int64], Forecast]]:
    """Yield forecasts and the places of their series, leaving out series that the model fails on, which it notes."""
    waiting = [np.arange(len(panel))]
    while waiting:
        rows = waiting.pop()
        try:
            found = model.forecast(panel.select(rows), horizon)
        except Exception as error:
            if len(rows) > 1 and getattr(model, "local", False):
                waiting += [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
            else:
                which = panel.ids[rows[0]] if len(rows) == 1 else f"{len(rows)} series"
                notes.append(f"{model.name} failed on {which}: {error}"[:300])
            continue
        good = np.isfinite(found.mean).all(axis=1) & np.isfinite(found.quantiles).all(axis=(1, 2))
        notes.extend(
            f"{model.name} had no finite answer for {panel.ids[rows[place]]}" for place in np.flatnonzero(~good)
        )
        yield rows[good], Forecast(found.mean[good], found.quantiles[good])


def stacked(panels: Sequence[Panel]) -> Panel:
    """Return the series of several panels, one panel after the other; regressors as far ahead as all of them know."""
    if len(panels) == 1:
        return panels[0]
    lengths = np.concatenate([one.lengths for one in panels])
    return replace(
        panels[0],
        ids=tuple(name for one in panels for name in one.ids),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        starts=np.concatenate([one.starts for one in panels]),
        values=np.concatenate([one.values for one in panels]),
        filled=np.concatenate([one.filled for one in panels]),
        regressors=stacked_regressors([one.regressors for one in panels if one.regressors is not None]),
    )


def stacked_regressors(parts: Sequence[Regressors]) -> Regressors | None:
    """Return the regressors of several panels of the same ones, one panel after the other."""
    if not parts:
        return None
    horizon = min(part.ahead.shape[2] for part in parts)
    return Regressors(
        parts[0].names,
        np.concatenate([part.values for part in parts], axis=1),
        np.concatenate([part.ahead[:, :, :horizon] for part in parts], axis=1),
    )
