"""One LSTM for all series: it reads the recent past and says every quantile of every period ahead at once.

Global, multivariate (values, calendar, regressors) and direct: nothing forecast is fed back. The network answers what
is to be added to the typical season of the past it was shown, in multiples of the mean size of that past.
Source: the multi-horizon quantile forecaster of Wen et al. (2017), its encoder an LSTM.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.models.alone import library
from services.market_intel.forecasting.models.smoothing import ExponentialSmoothing
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import Frequency, Ints

LEAST_WINDOWS = 64
CONTEXTS = {7: 56, 52: 52, 12: 24}
"""Season → periods that are read before each forecast."""

YEARS = {7: 364, 52: 52, 12: 12}
"""Season → periods after which both the year and the week come again."""

RECENT_PERIODS = {7: 1100, 52: 420, 12: 240}
HIDDEN, BATCH, RATE = 48, 256, 3e-3
MOST_EPOCHS, PATIENCE = 30, 4
MOST_WINDOWS = 10_000
"""Windows an epoch learns from, drawn anew each time."""

SHORTEST = 8
WIDEST = 20.0
"""Targets in multiples of the mean size are cut off there."""


class Lstm:
    """A recurrent network, seeded, stopped when the newest windows are not foretold any better."""

    name = "lstm"
    local = False

    def __init__(self, threads: int = 1, seed: int = 1, epochs: int = MOST_EPOCHS) -> None:
        """Learn for so many epochs at most.

        A second thread gains little with matrices this small, and costs three times the work on a machine that is busy.
        """
        self._threads, self._seed, self._epochs = threads, seed, epochs

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series; those too short or constant are smoothed, and it is said.

        Raises:
            ModelNotInstalled: torch is not there.
        """
        torch = library("torch", "lstm", "run `make deep`")
        simple = ExponentialSmoothing().forecast(panel, horizon)
        mean, quantiles = simple.mean.copy(), simple.quantiles.copy()
        told = np.full(len(panel), "exponential smoothing instead of an LSTM: too short, or constant", object)
        chosen = fit_for(panel)
        windows = Windows.of(panel.select(chosen), horizon) if len(chosen) else None
        if windows is None or len(windows.past()[0]) < LEAST_WINDOWS:
            told[:] = f"exponential smoothing instead of an LSTM: fewer than {LEAST_WINDOWS} windows to learn from"
            return Forecast(mean, quantiles, tuple(told))
        with seeded(torch, self._seed, self._threads):
            network, epochs = trained(torch, windows, self._seed, self._epochs)
            found = predicted(torch, network, windows, *windows.coming())
        level, typical = windows.level(*windows.coming()), windows.typical(*windows.coming())
        found = (found + typical[:, :, None]) * level[:, None, None]
        positive = np.all(np.nan_to_num(windows.values) >= 0, axis=1, keepdims=True)[:, :, None]
        found = np.where(positive, np.maximum(found, 0.0), found)
        mean[chosen], quantiles[chosen] = found[:, :, -1], np.sort(found[:, :, :-1], axis=2)
        told[chosen] = f"one network for {len(chosen)} series, {epochs} epochs"
        return Forecast(mean, quantiles, tuple(told))


def fit_for(panel: Panel) -> Ints:
    """Return the places of the series that are long enough and not constant."""
    values = panel.matrix(RECENT_PERIODS[panel.frequency.season])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        most, least = np.nanmax(values, axis=1), np.nanmin(values, axis=1)
    varied = most - least > 1e-9 * np.maximum(np.abs(most), np.abs(least))
    return np.flatnonzero(varied & (np.isfinite(values).sum(axis=1) >= SHORTEST))


@dataclass(frozen=True)
class Windows:
    """The matrix that windows are cut from, with room for the context before it and the horizon after it.

    Attributes:
        values: shape (series, context + periods + horizon), NaN where unknown.
        covariates: calendar and regressors of the same periods, shape (series, same, covariates).
        context: periods read.
        horizon: periods foretold.
        season: periods in a season.
    """

    values: Floats
    covariates: npt.NDArray[np.float32]
    context: int
    horizon: int
    season: int

    @classmethod
    def of(cls, panel: Panel, horizon: int) -> Windows:
        """Return the windows of a panel."""
        season = panel.frequency.season
        context = CONTEXTS[season]
        known = panel.matrix(RECENT_PERIODS[season])
        past, ahead = panel.regressor_matrices(horizon, RECENT_PERIODS[season])
        values = np.pad(known, ((0, 0), (context, horizon)), constant_values=np.nan)
        numbers = panel.ends[:, None] - known.shape[1] - context + np.arange(values.shape[1])[None, :]
        given = np.concatenate([np.pad(past, ((0, 0), (0, 0), (context, 0)), constant_values=np.nan), ahead], axis=2)
        covariates = np.concatenate([calendar(panel.frequency, numbers), standard(given)])
        return cls(values, np.moveaxis(covariates, 0, 2).astype(np.float32), context, horizon, season)

    def past(self) -> tuple[Ints, Ints]:
        """Return series and place of the first period foretold of all windows whose future is known."""
        begins = np.isfinite(self.values).argmax(axis=1)
        first = begins + min(SHORTEST, self.season)
        last = self.values.shape[1] - 2 * self.horizon
        places = np.arange(self.values.shape[1])[None, :]
        series, when = np.nonzero((places >= first[:, None]) & (places <= last))
        return series.astype(np.int64), when.astype(np.int64)

    def coming(self) -> tuple[Ints, Ints]:
        """Return series and place of the windows whose future is to be foretold."""
        count = len(self.values)
        return np.arange(count), np.full(count, self.values.shape[1] - self.horizon)

    def read(self, series: Ints, when: Ints) -> Floats:
        """Return the values before each window, shape (windows, context)."""
        found: Floats = self.values[series[:, None], when[:, None] + np.arange(-self.context, 0)]
        return found

    def level(self, series: Ints, when: Ints) -> Floats:
        """Return the mean size of the values read, not less than a tenth of that of the whole series."""
        whole = mean_size(self.values[:, : -self.horizon])[series]
        found: Floats = np.maximum(np.maximum(mean_size(self.read(series, when)), 0.1 * whole), 1e-12)
        return found

    def typical(self, series: Ints, when: Ints) -> Floats:
        """Return the mean of what was read at the same place of the season, in levels; shape (windows, horizon)."""
        read = self.read(series, when) / self.level(series, when)[:, None]
        season = self.season if self.context >= 2 * self.season else 1
        recent = read[:, -4 * season :] if season > 1 else read[:, -8:]
        folded = recent.reshape(len(read), -1, season)
        known = np.isfinite(folded)
        count = known.sum(axis=1)
        overall = np.nan_to_num(folded).sum(axis=(1, 2)) / np.maximum(known.sum(axis=(1, 2)), 1)
        mean = np.where(count, np.nan_to_num(folded).sum(axis=1) / np.maximum(count, 1), overall[:, None])
        found: Floats = mean[:, np.arange(self.horizon) % season]
        return found

    def inputs(self, series: Ints, when: Ints) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return what is read, shape (windows, context, inputs), and what is known ahead, (windows, horizon, …)."""
        places = when[:, None] + np.arange(-self.context, 0)
        scaled = self.read(series, when) / self.level(series, when)[:, None]
        known = np.isfinite(scaled)
        read = np.stack([np.clip(np.nan_to_num(scaled), -WIDEST, WIDEST), known], axis=2)
        ahead = when[:, None] + np.arange(self.horizon)
        steps = np.broadcast_to((np.arange(self.horizon) + 1) / self.horizon, ahead.shape)
        before = ahead - YEARS[self.season]
        lagged = np.where(before >= 0, self.values[series[:, None], np.maximum(before, 0)], np.nan)
        lagged = np.where(before < when[:, None], lagged, np.nan) / self.level(series, when)[:, None]
        extra = [
            steps,
            self.typical(series, when),
            np.isfinite(lagged),
            np.clip(np.nan_to_num(lagged), -WIDEST, WIDEST),
        ]
        return (
            np.concatenate([read.astype(np.float32), self.covariates[series[:, None], places]], axis=2),
            np.concatenate(
                [np.stack(extra, axis=2).astype(np.float32), self.covariates[series[:, None], ahead]], axis=2
            ),
        )

    def targets(self, series: Ints, when: Ints) -> npt.NDArray[np.float32]:
        """Return what is to be added to the typical season, NaN where unknown; shape (windows, horizon)."""
        actual = self.values[series[:, None], when[:, None] + np.arange(self.horizon)]
        scaled = np.clip(actual / self.level(series, when)[:, None], -WIDEST, WIDEST)
        return np.asarray(scaled - self.typical(series, when), np.float32)


def mean_size(values: Floats) -> Floats:
    """Return the mean of the absolute values of each row, 0 where none is known."""
    known = np.isfinite(values)
    found: Floats = np.abs(np.where(known, values, 0.0)).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return found


def calendar(frequency: Frequency, numbers: Ints) -> Floats:
    """Return where periods are in the year, and days in the week, as sines and cosines: shape (features, …)."""
    days = frequency.first_days(numbers.ravel()).reshape(numbers.shape)
    of_year = (days - days.astype("datetime64[Y]")).astype(np.int64) / 365.25
    turns = [of_year, 2 * of_year, *([numbers / 7, 2 * numbers / 7] if frequency.season == 7 else [])]
    return np.stack([wave(2 * np.pi * turn) for turn in turns for wave in (np.sin, np.cos)])


def standard(given: Floats) -> Floats:
    """Return regressors with mean 0 and deviation 1 over all that is known, 0 where they are unknown."""
    if not len(given):
        return given
    centre, spread = np.nanmean(given, axis=(1, 2), keepdims=True), np.nanstd(given, axis=(1, 2), keepdims=True)
    found: Floats = np.clip(np.nan_to_num((given - centre) / np.where(spread > 0, spread, 1.0)), -WIDEST, WIDEST)
    return found


@contextmanager
def seeded(torch: Any, seed: int, threads: int) -> Iterator[None]:
    """Run with a seed and so many threads, and give torch back as it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)


def network_of(torch: Any, inputs: int, known_ahead: int) -> Any:
    """Return the network: quantiles that cannot cross, then the mean."""
    nn = torch.nn

    class Network(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.LSTM(inputs, HIDDEN, batch_first=True)
            self.decoder = nn.Sequential(
                nn.Linear(HIDDEN + known_ahead, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, len(LEVELS) + 1)
            )

        def forward(self, read: Any, ahead: Any) -> Any:
            _, (hidden, _) = self.encoder(read)
            both = torch.cat([hidden[-1][:, None].expand(-1, ahead.shape[1], -1), ahead], dim=2)
            raw = self.decoder(both)
            gaps = nn.functional.softplus(raw[:, :, 1:-1])
            return torch.cat([raw[:, :, :1], raw[:, :, :1] + gaps.cumsum(dim=2), raw[:, :, -1:]], dim=2)

    return Network()


def trained(torch: Any, windows: Windows, seed: int, epochs: int) -> tuple[Any, int]:
    """Return the network that foretold the newest windows best, and after how many epochs that was.

    The newest windows are those that begin in the last `horizon` places; none of them is learnt from, though their
    first periods are among those that older windows foretell.
    """
    random = np.random.default_rng(seed)
    series, when = windows.past()
    newest = when > when.max() - windows.horizon
    if newest.mean() > 0.5:
        newest = when > np.quantile(when, 0.8)
    learnt, held = np.flatnonzero(~newest), np.flatnonzero(newest)
    if len(held) > MOST_WINDOWS // 4:
        held = random.choice(held, MOST_WINDOWS // 4, replace=False)
    if not len(learnt):
        learnt = held
    read, ahead = windows.inputs(series[:1], when[:1])
    network = network_of(torch, read.shape[2], ahead.shape[2])
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=1e-5)
    best, kept, best_epoch = np.inf, {name: value.clone() for name, value in network.state_dict().items()}, 0
    for epoch in range(1, epochs + 1):
        drawn = random.permutation(learnt)[:MOST_WINDOWS]
        for first in range(0, len(drawn), BATCH):
            batch = drawn[first : first + BATCH]
            optimiser.zero_grad()
            loss = loss_of(torch, network, windows, series[batch], when[batch])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        now = held_loss(torch, network, windows, series[held], when[held])
        if now < best:
            best, best_epoch = now, epoch
            kept = {name: value.clone() for name, value in network.state_dict().items()}
        elif epoch - best_epoch >= PATIENCE:
            break
    network.load_state_dict(kept)
    return network, best_epoch


def loss_of(torch: Any, network: Any, windows: Windows, series: Ints, when: Ints) -> Any:
    """Return the quantile loss of all levels plus the Huber loss of the mean."""
    read, ahead = (torch.from_numpy(one) for one in windows.inputs(series, when))
    target = torch.from_numpy(windows.targets(series, when))
    known = torch.isfinite(target)
    found = network(read, ahead)
    off = torch.where(known, target, 0.0)[:, :, None] - found[:, :, :-1]
    levels = torch.tensor(LEVELS, dtype=torch.float32)
    pinball = torch.maximum(levels * off, (levels - 1) * off).mean(dim=2)
    middle = torch.nn.functional.huber_loss(found[:, :, -1], torch.where(known, target, 0.0), reduction="none")
    return ((pinball + 0.5 * middle) * known).sum() / known.sum().clamp(min=1)


def held_loss(torch: Any, network: Any, windows: Windows, series: Ints, when: Ints) -> float:
    """Return the loss over windows that are not learnt from."""
    with torch.no_grad():
        parts = range(0, len(series), 4 * BATCH)
        losses = [
            (loss_of(torch, network, windows, series[at : at + 4 * BATCH], when[at : at + 4 * BATCH])).item()
            * len(series[at : at + 4 * BATCH])
            for at in parts
        ]
    return float(sum(losses) / len(series))


def predicted(torch: Any, network: Any, windows: Windows, series: Ints, when: Ints) -> Floats:
    """Return quantiles and mean of windows, shape (windows, horizon, levels + 1)."""
    found = []
    with torch.no_grad():
        for at in range(0, len(series), 4 * BATCH):
            batch = slice(at, at + 4 * BATCH)
            read, ahead = (torch.from_numpy(one) for one in windows.inputs(series[batch], when[batch]))
            found.append(network(read, ahead).numpy().astype(np.float64))
    return np.concatenate(found)
