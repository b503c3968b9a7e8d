"""What a forecast is made up of, in parts that add up to its mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from services.market_intel.forecasting.fallback import too_short
from services.market_intel.forecasting.model import Forecast, Model
from services.market_intel.forecasting.models.seasons import seasons_of
from services.market_intel.forecasting.panel import Floats, Panel

RECENT_SEASONS = 60
SUMS = "sums of the past"
"""Part of the mean that no model said: what sums were off by in the past, and the bounds that no answer passes."""

LEAST_SHARE = 0.005
LEVELS = ("trend", "level", "base value", "history", SUMS)
"""Parts that are where a series stands, and not what moves it from there."""


@dataclass(frozen=True)
class Explained:
    """What forecasts are made up of.

    Attributes:
        parts: name of a part → shape (series, horizon). The parts of each period add up to the mean.
        told: for each series whose parts these are, and of which share the model tells none.
    """

    parts: Mapping[str, Floats]
    told: tuple[str, ...]


@dataclass(frozen=True)
class Effect:
    """What one regressor does to the forecast of one series.

    Attributes:
        name: of the regressor.
        total: what it makes of the sum over the horizon.
        per_unit: what one unit more of it changes in a period, on average; None where it does not change ahead.
        share_pct: its share of all that moves the forecast from where the series stands, 0-100.
    """

    name: str
    total: float
    per_unit: float | None
    share_pct: float


def explained(
    panel: Panel, mean: Floats, members: Mapping[str, Forecast], shares: Mapping[str, Floats], titles: Mapping[str, str]
) -> Explained:
    """Return the parts of a combination: those of its members by their shares, and what none of them said.

    Args:
        panel: what was forecast from.
        mean: what was answered, shape (series, horizon).
        members: what each model says, NaN where it has no answer; with its own parts, or without.
        shares: of each model in the mean of each series.
        titles: where a model's own parts come from, in words.
    """
    weights = effective(members, shares)
    parts: dict[str, Floats] = {}
    for name, member in members.items():
        weight = weights[name][:, None]
        if (weight > 0).any():
            for part, values in components(panel, member).items():
                parts[part] = parts.get(part, np.zeros_like(mean)) + np.where(weight > 0, weight * values, 0.0)
    said = sum(parts.values(), np.zeros_like(mean))
    alone = too_short(panel) | ~np.any([weight > 0 for weight in weights.values()], axis=0)
    left = np.where(alone[:, None], 0.0, mean - said)
    parts = {name: np.where(alone[:, None], 0.0, values) for name, values in parts.items() if values[~alone].any()}
    if alone.any():
        parts["level"] = parts.get("level", np.zeros_like(mean)) + np.where(alone[:, None], mean, 0.0)
    if (np.abs(left) > 1e-9 * np.abs(mean)).any():
        parts[SUMS] = left
    whose = [{name: float(weight[at]) for name, weight in weights.items()} for at in range(len(panel))]
    own = {name: titles[name] for name, member in members.items() if member.components}
    return Explained(parts, tuple("" if alone[at] else sentence(one, own) for at, one in enumerate(whose)))


def effective(members: Mapping[str, Forecast], shares: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the shares with those of models without an answer given to the others."""
    found = {
        name: np.where(np.isfinite(member.mean).all(axis=1), shares[name], 0.0) for name, member in members.items()
    }
    total = sum(found.values(), np.zeros(0) if not found else np.zeros_like(next(iter(found.values()))))
    return {name: weight / np.where(total > 0, total, 1.0) for name, weight in found.items()}


def sentence(shares: Mapping[str, float], own: Mapping[str, str]) -> str:
    """Return whose parts these are: `own` names the models that tell theirs, and how."""
    told = [f"{100 * share:.0f} % {name} by {own[name]}" for name, share in shares.items() if named(share, name in own)]
    others = [name for name, share in shares.items() if named(share, name not in own)]
    if others:
        left = 100 * sum(shares[name] for name in others)
        told.append(f"{left:.0f} % {', '.join(others)} without parts of their own: season and trend of their forecast")
    return "; ".join(told)


def named(share: float, counts: bool) -> bool:
    """Return whether a share is worth a word."""
    return counts and share >= LEAST_SHARE


def effects_of(panel: Panel, parts: Mapping[str, Floats], series: int) -> tuple[Effect, ...]:
    """Return what each regressor that a model used does to one series, the largest first."""
    known = panel.regressors
    if known is None:
        return ()
    moves = sum(float(np.abs(part[series]).sum()) for name, part in parts.items() if name not in LEVELS)
    begin, end = int(panel.offsets[series]), int(panel.offsets[series + 1])
    found = []
    for index, name in enumerate(known.names):
        part = parts.get(name)
        if part is None or moves <= 0 or not np.abs(part[series]).any():
            continue
        values = part[series]
        off = known.ahead[index, series, : len(values)] - np.nanmean(known.values[index, begin:end])
        spread = float(off @ off)
        per_unit = float(off @ values) / spread if spread > 0 else None
        found.append(Effect(name, float(values.sum()), per_unit, 100 * float(np.abs(values).sum()) / moves))
    return tuple(sorted(found, key=lambda one: -one.share_pct))


def components(panel: Panel, forecast: Forecast) -> Mapping[str, Floats]:
    """Return the parts of a forecast: the model's own, or its season and what is left, read off the history.

    Args:
        panel: what was forecast from.
        forecast: of all its series, by any model.

    Returns:
        Name of a part → shape (series, horizon). The parts of each period add up to the mean.
    """
    return forecast.components or season_and_trend(panel, forecast.mean)


def season_and_trend(panel: Panel, mean: Floats) -> Mapping[str, Floats]:
    """Return what the usual season makes of the mean, and the rest as its trend; the season where there is one."""
    season = panel.frequency.season
    values = panel.matrix(RECENT_SEASONS * season)
    if values.shape[1] < 2 * season:
        return {"trend": mean}
    found = seasons_of(values, season)
    adds, times = found.ahead(values.shape[1], mean.shape[1])
    trend = (mean - adds) / times
    return {"trend": trend, "season": mean - trend}


def effects(model: Model, panel: Panel, horizon: int) -> Mapping[str, Floats]:
    """Return what each regressor's values ahead make of any model's forecast, against its mean over the past.

    For models that have no parts of their own, such as trees and networks. The values ahead are replaced by their means
    one regressor after the other, so that the differences and what is left at the end (`history`) add up to the mean.
    The model learns as often as there are regressors, and once more; from the same past, with a fixed seed.

    Returns:
        Name of a regressor, or `history` → shape (series, horizon).
    """
    mean = model.forecast(panel, horizon).mean
    parts: dict[str, Floats] = {}
    known = panel.regressors
    if known is not None:
        past, _ = panel.regressor_matrices(horizon)
        usual = np.nanmean(past, axis=2, keepdims=True)
        ahead = known.ahead.copy()
        for index, name in enumerate(known.names):
            ahead[index] = usual[index]
            less = model.forecast(panel.with_regressors(replace(known, ahead=ahead.copy())), horizon).mean
            parts[name], mean = mean - less, less
    return {"history": mean, **parts}
