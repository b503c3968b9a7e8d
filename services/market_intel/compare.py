"""Models beside each other on the same series and the same points in the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.market_intel.ask import AUTO, Ask, check_size
from services.market_intel.forecasting.backtest import Backtest
from services.market_intel.forecasting.choose import Automatic, automatic
from services.market_intel.forecasting.model import Model
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.registry import MODELS, Entry
from services.market_intel.forecasts import Progress, effort_of, general_notes
from shared.errors import PlatformError

MOST_ONE_BY_ONE = 50
"""Series that expensive models which take each by itself are tried on."""


@dataclass(frozen=True)
class Score:
    """One line of the league table: means over the series where a figure is defined."""

    model: str
    title: str
    figures: Mapping[str, float]
    seconds: float
    worse_than_naive_pct: float | None
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """The league table, best first, and what the automatic choice makes of it."""

    scores: tuple[Score, ...]
    chosen: str
    why: str
    notes: tuple[str, ...]
    series: int
    origins: int
    horizon: int


def compare(ask: Ask, panel: Panel, progress: Progress, pretrained: Path | None = None) -> Comparison:
    """Return every model's figures. Raises ForecastTooLarge."""
    check_size(len(panel), ask.horizon)
    tried, left_out = suited(ask, panel, pretrained)
    found = automatic(panel, ask.horizon, progress=progress, models=tried)
    tests = found.backtest
    scores = [score_of_choice(found), *(score(MODELS[name], tests) for name in tried)]
    scores.sort(key=lambda one: one.figures.get("mase", one.figures.get("mae", float("inf"))))
    most = max(set(found.chosen), key=found.chosen.count)
    return Comparison(
        (*scores, *left_out),
        most,
        found.why[found.chosen.index(most)],
        general_notes(ask, panel),
        len(panel),
        len(tests.held_back),
        tests.actual.shape[2],
    )


def suited(ask: Ask, panel: Panel, pretrained: Path | None = None) -> tuple[dict[str, Model], list[Score]]:
    """Return the models to try, and those that cannot be with the reason."""
    cheap = effort_of(ask, len(panel)) == "cheap"
    tried: dict[str, Model] = {}
    left_out = []
    for name, entry in MODELS.items():
        note = ""
        if cheap and entry.cost != "cheap":
            continue
        try:
            model = entry.make(country=ask.country or None, folder=pretrained)
            if entry.cost != "cheap" and getattr(model, "local", False) and len(panel) > MOST_ONE_BY_ONE:
                note = f"takes series one by one, so it is tried on {MOST_ONE_BY_ONE} at most"
            else:
                tried[name] = model
        except PlatformError as error:
            note = error.detail
        if note:
            left_out.append(Score(name, entry.title, {}, 0.0, None, note))
    return tried, left_out


def score(entry: Entry, tests: Backtest) -> Score:
    """Return one line of the table."""
    figures = {name: mean(values) for name, values in tests.figures(entry.name).items()}
    run = tests.runs[entry.name]
    return Score(
        entry.name,
        entry.title,
        {name: value for name, value in figures.items() if value is not None},
        run.seconds,
        tests.worse_than_naive_pct(tests.figures(entry.name)["mae"]),
        "; ".join(run.notes[:3]) + (f"; and {len(run.notes) - 3} more" if len(run.notes) > 3 else ""),
    )


def score_of_choice(found: Automatic) -> Score:
    """Return the line of the automatic choice: at each origin as the other origins would have had it choose."""
    figures = {name: mean(values) for name, values in found.figures.items()}
    return Score(
        AUTO,
        "Automatic choice",
        {name: value for name, value in figures.items() if value is not None},
        found.seconds,
        found.backtest.worse_than_naive_pct(found.figures["mae"]),
    )


def mean(values: np.ndarray) -> float | None:
    """Return the mean where a figure is defined, None where it nowhere is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
