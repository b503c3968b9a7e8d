"""Which series models are to be chosen for: those that have none, and those whose choice does not hold any more.

The rules are those of `life`; here is what they are asked about, from the accuracy that was written down.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from services.market_intel.forecasting import accuracy, life, versions
from services.market_intel.forecasting.kept import Kept
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.periods import Frequency
from services.market_intel.forecasting.versions import Roles
from shared.models import CHAMPION, Registry

TRACKED_SEASONS = 4


@dataclass(frozen=True)
class Due:
    """Series to choose models for.

    Attributes:
        new: places of those without a choice yet.
        again: place of those with one that is to be made again → why.
    """

    new: tuple[int, ...]
    again: Mapping[int, str]

    @property
    def places(self) -> list[int]:
        """Return the places of all of them, in order."""
        return sorted({*self.new, *self.again})

    @property
    def why(self) -> str:
        """Return why series are chosen for again: how many, and the first reason."""
        reasons = list(self.again.values())
        return f"{len(reasons)} series chosen again, the first as: {reasons[0]}" if reasons else ""


@dataclass(frozen=True)
class Judge:
    """What a choice is held against.

    Attributes:
        known: market_intel.forecast_accuracy, actuals filled in.
        clock: last complete day.
        registry: of the versions.
    """

    known: pa.Table
    clock: dt.date
    registry: Registry

    def due(self, panel: Panel, horizon: int, roles: Roles | None) -> Due:
        """Return the series to choose models for. While a choice is on trial or watched, no other is made again."""
        if roles is None:
            return Due(tuple(range(len(panel))), {})
        kept = roles.champion.series
        new = tuple(place for place, series in enumerate(panel.ids) if series not in kept)
        if roles.challenger or roles.shadow or not self.rested(panel.frequency, roles):
            return Due(new, {})
        tracked = self.tracked(panel.frequency, horizon, roles)
        reasons = {}
        for place, series in enumerate(panel.ids):
            if series in kept:
                now = self.standing(panel, place, kept[series], tracked.get(series))
                if why := life.due(now, life.RULES[panel.frequency.name]):
                    reasons[place] = why
        return Due(new, reasons)

    def tracked(self, frequency: Frequency, horizon: int, roles: Roles) -> Mapping[str, tuple[float, int]]:
        """Return the scaled error of the champion's recent forecasts, and of how many, by series."""
        name = versions.name_of(frequency.name)
        errors = accuracy.errors_of(self.known, frequency.name, name, roles.champion.family, CHAMPION)
        span = TRACKED_SEASONS * min(frequency.season, frequency.year // 4)
        return accuracy.tracked(errors, frequency.first_day(frequency.number(self.clock) - span), horizon)

    def rested(self, frequency: Frequency, roles: Roles) -> bool:
        """Return whether the last choice is long enough ago: one that was rolled back is not to come again at once."""
        found = self.registry.manifest().versions.get(roles.champion.model.name, {}).values()
        last = max(day for day in map(versions.through, found) if day <= self.clock)
        return life.periods_between(frequency.name, last, self.clock) >= life.RULES[frequency.name].second

    def standing(self, panel: Panel, place: int, kept: Kept, tracked: tuple[float, int] | None) -> life.Standing:
        """Return what is known of the choice for one series."""
        age = life.periods_between(panel.frequency.name, dt.date.fromisoformat(kept.on), self.clock)
        values = panel.series(place)
        before, since = values[: len(values) - age], values[len(values) - age :]
        error, outcomes = tracked or (float("nan"), 0)
        return life.Standing(
            age=age,
            periods=len(values),
            drift=life.drift(before, since, panel.frequency.season),
            promised=float("nan") if kept.error is None else kept.error,
            tracked=error,
            outcomes=outcomes,
        )
