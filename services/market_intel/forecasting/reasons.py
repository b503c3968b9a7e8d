"""Why a series is forecast as it is, in words and with the figures of its backtest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.backtest import Backtest
from services.market_intel.forecasting.combine import Shares
from services.market_intel.forecasting.fallback import FEWEST
from services.market_intel.forecasting.panel import Floats, Panel

NAMED = 0.05
"""A model with a smaller share is not named."""

ALONE = 0.95
BASELINE = "seasonal_naive"
COMBINED, LEVEL = "ensemble", "level"

Booleans = npt.NDArray[np.bool_]


def choices(names: tuple[str, ...], weights: Floats, untested: Booleans, short: Floats) -> tuple[str, ...]:
    """Return the name of each series' model, `ensemble` for a combination, `level` for a handful of observations."""
    best = weights.argmax(axis=1)
    return tuple(
        LEVEL if few else names[top] if row[top] >= ALONE else COMBINED
        for row, top, few in zip(weights, best, short, strict=True)
    )


def reasons(panel: Panel, tests: Backtest, middle: Shares, untested: Booleans, short: Floats) -> tuple[str, ...]:
    """Return for each series why it is forecast so."""
    names = tuple(tests.runs)
    errors = {name: tests.figures(name)["mase"] for name in names}
    times, lengths = tests.tested.sum(axis=0), panel.lengths
    found = []
    for index in range(len(panel)):
        parts = mixture(names, middle.weights[index])
        if short[index]:
            found.append(f"fewer than {FEWEST} observations: their mean goes on, which no test backs")
        elif untested[index]:
            elsewhere = "what did best on the other series" if not untested.all() else "equal parts of all models"
            found.append(f"{lengths[index]} periods are too few to be tested: {elsewhere}, {parts}")
        else:
            found.append(f"{parts}; {league(errors, index, int(times[index]))}")
    return tuple(found)


def mixture(names: tuple[str, ...], weights: Floats) -> str:
    """Return `theta alone`, or `a combination of theta 60 % and ets 40 %`."""
    order = [place for place in np.argsort(-weights) if weights[place] >= NAMED]
    if not order or weights[order[0]] >= ALONE:
        return f"{names[int(weights.argmax())]} alone"
    parts = [f"{names[place]} {100 * weights[place]:.0f} %" for place in order]
    return "a combination of " + ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else parts[0]


def league(errors: dict[str, Floats], index: int, times: int) -> str:
    """Return how models did in the backtest of a series."""
    mine = {name: float(found[index]) for name, found in errors.items() if np.isfinite(found[index])}
    where = f"in {times} test{'s' if times != 1 else ''} on its own past"
    if not mine:
        return f"{where} no error could be put in proportion, as no change over a season is known of the series before"
    best = min(mine, key=lambda name: mine[name])
    text = f"{where} {best} had the least error, a MASE of {mine[best]:.2f}"
    if BASELINE in mine and best != BASELINE:
        text += f" against {mine[BASELINE]:.2f} of the seasonal naive forecast"
    return text


def interval_reasons(
    names: tuple[str, ...], band: Shares, tests: Backtest, cells: int, short: Floats
) -> tuple[str, ...]:
    """Return for each series where its interval comes from."""
    mended = (
        f"moved so that {cells} forecasts of the past over all series would have been covered as often as it says"
        if cells
        else "as the models give it: there is no past to test it on"
    )
    return tuple(
        "wide by assumption: a quarter of the level, and what the few observations differ"
        if few
        else f"quantiles of {mixture(names, row)}, {mended}"
        for row, few in zip(band.weights, short, strict=True)
    )
