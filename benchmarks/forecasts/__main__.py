"""The automatic forecast against its members and against others: `python -m benchmarks.forecasts --data FOLDER`.

Three rolling origins on the last periods of each panel, which nothing before has seen: 3 x 28 days or 3 x 8 weeks. What
is forecast is settled before the actuals are looked at, by backtests on what lies before each origin. Results of every
panel are kept in build/forecasts, so that panels can be run one by one; `--write` puts them into docs/forecasting.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.forecasts import report
from benchmarks.forecasts.figures import Answer, figures
from benchmarks.forecasts.panels import Task, tasks
from benchmarks.forecasts.peers import SERIES_FOR_SLOW, missing, peers
from services.market_intel.forecasting.choose import automatic
from services.market_intel.forecasting.fallback import plausible
from services.market_intel.forecasting.panel import Floats, Panel

ORIGINS = 3
KEPT = Path("build/forecasts")


def origins(task: Task) -> Iterator[tuple[Panel, Floats]]:
    """Yield what was known at each origin, and what came."""
    for left in range(ORIGINS, 0, -1):
        held_back = task.horizon * left
        chosen = task.panel.select(np.flatnonzero(task.panel.lengths >= 2 * held_back))
        yield chosen.before(held_back), chosen.matrix(held_back)[:, : task.horizon]


def measured(task: Task, *, with_peers: bool) -> dict[str, object]:
    """Return the figures of every model on one panel, over all origins together."""
    answers: list[Answer] = []
    slow_too = len(task.panel) <= SERIES_FOR_SLOW
    for known, actual in origins(task):
        full = automatic(known, task.horizon, effort="full")
        cheap = automatic(known, task.horizon, effort="cheap")
        found = {"auto": (full.forecast, full.seconds), "auto, cheap": (cheap.forecast, cheap.seconds)}
        for name, member in full.members.items():
            found[name] = (plausible(known, member), full.backtest.runs[name].seconds / ORIGINS)
        if with_peers:
            for peer in peers(known, task.horizon, slow=slow_too):
                found[peer.name] = (peer.forecast, peer.seconds)
        answers += [Answer(name, known, actual, forecast, seconds) for name, (forecast, seconds) in found.items()]
        print(f"  {task.name}: origin of {len(known)} series done", flush=True)
    return {
        "name": task.name,
        "about": task.about,
        "series": len(task.panel),
        "horizon": task.horizon,
        "zeros_pct": 100 * float(np.mean(task.panel.values == 0)),
        "models": figures(answers),
    }


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecasts", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with walmart_recruiting/ and online_retail/ as Parquet")
    parser.add_argument("--only", nargs="*", default=(), help="names of panels")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--write", action="store_true", help="write what was measured, now and before, into docs/")
    asked = parser.parse_args()
    if missing() and not asked.no_peers:
        print(f"Peers left out, as not installed; to measure them too: pip install {' '.join(missing())}")
    KEPT.mkdir(parents=True, exist_ok=True)
    for task in tasks(asked.data, tuple(asked.only)):
        result = measured(task, with_peers=not asked.no_peers)
        (KEPT / f"{task.name}.json").write_text(json.dumps(result, indent=1))
        print(report.text(result), flush=True)
    if asked.write:
        report.write([json.loads(path.read_text()) for path in sorted(KEPT.glob("*.json"))])


if __name__ == "__main__":
    main()
