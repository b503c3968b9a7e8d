"""How often the intervals of young series hold: `python -m benchmarks.forecasts.short --data FOLDER`.

A shop that has sold for a year asks about a few series. So: small panels of whole Walmart series (143 weeks), drawn at
random, each cut to a year that ends at random; the automatic choice forecasts the weeks after it. Brackets are 95 %
intervals over panels.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.forecasts.panels import WALMART_WHOLE, read
from services.market_intel.forecasting.choose import automatic
from services.market_intel.forecasting.panel import Panel

BAND_80, BAND_95 = (1, 3), (0, 4)
"""Columns of the quantiles, 2.5 to 97.5 %, at which a band ends."""


def covered(panel: Panel, history: int, horizon: int, end: int, effort: str) -> tuple[float, float]:
    """Return the shares of what came that lay within the bands of 80 and 95 %, for a panel known up to `end`."""
    values = panel.values.reshape(len(panel), -1)
    known = values[:, end - history : end]
    offsets = history * np.arange(len(panel) + 1)
    cut = Panel(panel.frequency, panel.ids, offsets, panel.starts + end - history, known.ravel(), panel.filled)
    quantiles = automatic(cut, horizon, effort=effort).forecast.quantiles
    came = values[:, end : end + horizon]
    bands = [(quantiles[..., low] <= came) & (came <= quantiles[..., high]) for low, high in (BAND_80, BAND_95)]
    return float(bands[0].mean()), float(bands[1].mean())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecasts.short", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with walmart_recruiting/ as Parquet")
    parser.add_argument("--panels", type=int, default=100)
    parser.add_argument("--series", type=int, default=5, help="in a panel")
    parser.add_argument("--history", type=int, default=52, help="weeks known")
    parser.add_argument("--horizon", type=int, default=8, help="weeks to forecast")
    parser.add_argument("--effort", default="cheap", choices=("cheap", "full"))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    panel = read(WALMART_WHOLE, asked.data)
    if panel is None:
        raise SystemExit(f"no {WALMART_WHOLE.file} in {asked.data}")
    weeks, rng, begun = len(panel.series(0)), np.random.default_rng(asked.seed), time.perf_counter()
    found = []
    for _ in range(asked.panels):
        few = panel.select(np.sort(rng.choice(len(panel), asked.series, replace=False)))
        end = int(rng.integers(asked.history, weeks - asked.horizon + 1))
        found.append(covered(few, asked.history, asked.horizon, end, asked.effort))
    mean, wide = 100 * np.mean(found, axis=0), 196 * np.std(found, axis=0) / len(found) ** 0.5
    for level, one, give in zip((80, 95), mean, wide, strict=True):
        print(f"{level} % covers {one:.1f} ± {give:.1f} % (n = {len(found)} panels of {asked.series})")
    print(f"{(time.perf_counter() - begun) / len(found):.2f} s a panel")


if __name__ == "__main__":
    main()
