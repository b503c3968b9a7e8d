"""Models that look at each series alone, over the workers of an engine that has some.

The same functions forecast there as here: a part of the series is a panel of its own, and a local model's answer does
not depend on what else is in the panel. Global models learn across series and stay in this process.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from services.market_intel.forecasting.choose import answer
from services.market_intel.forecasting.model import LEVELS, Forecast, Model
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.periods import FREQUENCIES
from shared.engine import Engine, Workers

log = logging.getLogger(__name__)

LEAST_A_PART, MOST_A_PART = 100, 1_000
"""Series of a part: fewer cost more to send than to forecast, more take memory and leave workers without work."""


def spread(models: Mapping[str, Model], engine: Engine) -> dict[str, Model]:
    """Return the models, the local ones over the engine's workers where it has some."""
    if not isinstance(engine, Workers):
        return dict(models)
    found: dict[str, Model] = {}
    for name, model in models.items():
        found[name] = Spread(name, model, engine) if getattr(model, "local", False) else model
    return found


@dataclass
class Spread:
    """A local model that workers ask for parts of the series."""

    name: str
    model: Model
    workers: Workers
    local = True

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series, NaN where the model fails on one."""
        count = min(-(-len(panel) // LEAST_A_PART), max(self.workers.workers, -(-len(panel) // MOST_A_PART)))
        if count < 2 or panel.regressors is not None:
            return self.model.forecast(panel, horizon)
        # Series of like length go together, as within the models; each part gets short and long ones in turn.
        order = np.argsort(panel.lengths, kind="stable")
        places = [order[first::count] for first in range(count)]
        work = partial(forecast_rows, self.model, panel.frequency.name, horizon)
        try:
            made = self.workers.over_parts([rows_of(panel.select(rows)) for rows in places], work)
        except Exception as error:
            # Whoever asks takes an error for the model's and asks again for each half of the series.
            log.warning("%s is forecast in this process: its workers failed: %s", self.name, type(error).__name__)
            return self.model.forecast(panel, horizon)
        mean = np.empty((len(panel), horizon))
        quantiles = np.empty((len(panel), horizon, len(LEVELS)))
        for rows, part in zip(places, made, strict=True):
            mean[rows] = numbers(part["mean"]).reshape(len(rows), horizon)
            quantiles[rows] = numbers(part["quantiles"]).reshape(len(rows), horizon, len(LEVELS))
        return Forecast(mean, quantiles)


def rows_of(panel: Panel) -> pa.Table:
    """Return a row for each series: its first period and its values."""
    values = pa.LargeListArray.from_arrays(panel.offsets, pa.array(panel.values))
    return pa.table({"start": pa.array(panel.starts, pa.int64()), "values": values})


def panel_of(rows: pa.Table, frequency: str) -> Panel:
    """Return the panel of such rows; its series are named by their places."""
    values = rows["values"].combine_chunks()
    return Panel(
        FREQUENCIES[frequency],
        tuple(map(str, range(rows.num_rows))),
        values.offsets.to_numpy().astype(np.int64),
        rows["start"].to_numpy(),
        values.values.to_numpy(zero_copy_only=False),
    )


def forecast_rows(model: Model, frequency: str, horizon: int, rows: pa.Table) -> pa.Table:
    """Return mean and quantiles of each row's series, laid end to end: what a worker runs."""
    found = answer(model, panel_of(rows, frequency), horizon)
    return pa.table({"mean": listed(found.mean), "quantiles": listed(found.quantiles)})


def listed(values: np.ndarray[Any, np.dtype[np.float64]]) -> pa.Array:
    """Return an array as one list of numbers for each of its first axis."""
    each = values[0].size if len(values) else 0
    return pa.LargeListArray.from_arrays(np.arange(len(values) + 1) * each, pa.array(values.ravel()))


def numbers(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the numbers of lists, end to end."""
    return np.asarray(column.combine_chunks().values.to_numpy(zero_copy_only=False), np.float64)
