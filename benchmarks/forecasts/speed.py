"""Batch forecasting of 30,000 daily series, three backtests: our exponential smoothing against statsforecast's AutoETS.

    python -m benchmarks.forecasts.speed --out speed.json
    python -m benchmarks.forecasts.speed --peer /path/to/python/with/statsforecast --out speed.json

The series are made here (levels that drift, a week's pattern, noise, a fifth of them units sold of slow products), two
years of days each: no public panel of that size may be committed. The peer is timed on a sample of them, drawn evenly,
and its time for all is the sample's per series: it forecasts one series after the other, which all would take.
The peer runs in an interpreter of its own, for it is no dependency. Both sides are timed by the wall and by the seconds
that their processes kept a core busy: the latter hardly change when others use the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.models.smoothing import ExponentialSmoothing
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.periods import DAY

SERIES, PERIODS, HORIZON, ORIGINS = 30_000, 728, 28, 3
FIRST_DAY = 19_000

PEER = """
import json, resource, sys, time
import numpy as np, pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoETS
given = np.load(sys.argv[1])
values, horizon, cores = given["values"], int(sys.argv[2]), int(sys.argv[3])
frame = pd.DataFrame({
    "unique_id": np.repeat([f"s{n:06d}" for n in range(len(values))], values.shape[1]),
    "ds": np.tile(pd.date_range("2022-01-03", periods=values.shape[1]), len(values)),
    "y": values.ravel(),
})
model = lambda: StatsForecast(models=[AutoETS(season_length=7)], freq="D", n_jobs=cores)
model().forecast(df=frame[: 4 * values.shape[1]], h=horizon)
def used():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)
begun, before = time.perf_counter(), used()
found = model().forecast(df=frame, h=horizon, level=[80, 95])
wall, cpu = time.perf_counter() - begun, used() - before
np.savez(sys.argv[4], mean=found.sort_values(["unique_id", "ds"])["AutoETS"].to_numpy().reshape(len(values), horizon))
print(json.dumps({"wall": wall, "cpu": cpu}))
"""


def series(count: int, seed: int = 7) -> np.ndarray:
    """Return the series, shape (count, PERIODS)."""
    random = np.random.default_rng(seed)
    at = np.arange(PERIODS)
    level = np.exp(random.normal(3, 1.2, (count, 1)))
    drift = np.exp(np.cumsum(random.normal(0, 0.015, (count, PERIODS)), axis=1))
    week = 1 + random.uniform(0, 0.5, (count, 1)) * np.sin(2 * np.pi * (at + random.integers(0, 7, (count, 1))) / 7)
    mean = level * drift * week
    smooth = np.maximum(mean * (1 + random.normal(0, 0.15, mean.shape)), 0)
    slow = random.poisson(np.minimum(mean / 20, 50))
    return np.where(np.arange(count)[:, None] % 5 == 0, slow, smooth)


def panel_of(values: np.ndarray) -> Panel:
    """Return the panel of series of equal length."""
    count, periods = values.shape
    ids = tuple(f"s{number:06d}" for number in range(count))
    return Panel(DAY, ids, np.arange(count + 1) * periods, np.full(count, FIRST_DAY), values.ravel())


def forecast(values: np.ndarray) -> np.ndarray:
    """Return our means."""
    return ExponentialSmoothing().forecast(panel_of(values), HORIZON).mean


@dataclass(frozen=True)
class Took:
    """Seconds of the wall and of the processor."""

    wall: float
    cpu: float


def busy() -> float:
    """Return the seconds that finished children kept a core busy."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ours(values: np.ndarray, cores: int) -> tuple[Took, list[np.ndarray]]:
    """Return what all origins took, and the means at each."""
    begun, busy_before, means = time.perf_counter(), busy(), []
    with ProcessPoolExecutor(cores) as pool:
        for origin in range(ORIGINS):
            known = values[:, : PERIODS - HORIZON * (ORIGINS - origin)]
            means.append(np.concatenate(list(pool.map(forecast, np.array_split(known, cores)))))
    return Took(time.perf_counter() - begun, busy() - busy_before), means


def peers(values: np.ndarray, cores: int, python: str) -> tuple[Took, list[np.ndarray]]:
    """Return what the peer took for its sample at all origins, its compiling not counted, and its means."""
    wall, cpu, means = 0.0, 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.npz", Path(folder) / "found.npz"
        for origin in range(ORIGINS):
            np.savez(given, values=values[:, : PERIODS - HORIZON * (ORIGINS - origin)])
            done = subprocess.run(
                [python, "-c", PEER, str(given), str(HORIZON), str(cores), str(found)],
                check=True,
                capture_output=True,
                text=True,
            )
            took = json.loads(done.stdout.strip().splitlines()[-1])
            wall, cpu = wall + took["wall"], cpu + took["cpu"]
            means.append(np.load(found)["mean"])
    return Took(wall, cpu), means


def mase(values: np.ndarray, means: list[np.ndarray]) -> float:
    """Return the mean scaled error over series and origins."""
    found = []
    for origin, mean in enumerate(means):
        end = PERIODS - HORIZON * (ORIGINS - origin)
        found.append(scores.mae(values[:, end : end + HORIZON], mean) / scores.scale(panel_of(values[:, :end])))
    return float(np.nanmean(found))


def main() -> None:
    """Measure and say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=SERIES)
    parser.add_argument("--sample", type=int, default=300, help="series that the peer is timed on")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--peer", default=sys.executable, help="interpreter that has statsforecast")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    values = series(given.series)
    took, means = ours(values, given.cores)
    chosen = np.linspace(0, given.series - 1, given.sample).astype(int)
    peer, peer_means = peers(values[chosen], given.cores, given.peer)
    forecasts, sampled = given.series * ORIGINS, given.sample * ORIGINS
    mine, theirs = mase(values[chosen], [mean[chosen] for mean in means]), mase(values[chosen], peer_means)
    found = {
        "series": given.series,
        "origins": ORIGINS,
        "periods": PERIODS,
        "horizon": HORIZON,
        "cores": given.cores,
        "load_at_end": round(os.getloadavg()[0], 1),
        "wall_seconds": round(took.wall, 1),
        "series_per_wall_second": round(forecasts / took.wall, 1),
        "series_per_cpu_second": round(forecasts / took.cpu, 1),
        "peer_sample": given.sample,
        "peer_wall_seconds_on_sample": round(peer.wall, 1),
        "peer_series_per_wall_second": round(sampled / peer.wall, 2),
        "peer_series_per_cpu_second": round(sampled / peer.cpu, 2),
        "peer_wall_seconds_for_all_extrapolated": round(forecasts * peer.wall / sampled),
        "times_faster_by_wall": round(forecasts / took.wall / (sampled / peer.wall), 1),
        "times_faster_by_cpu": round(forecasts / took.cpu / (sampled / peer.cpu), 1),
        "mase_on_sample": round(mine, 4),
        "peer_mase_on_sample": round(theirs, 4),
        "mase_ratio": round(mine / theirs, 4),
    }
    print(json.dumps(found, indent=1))
    if given.out:
        given.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
