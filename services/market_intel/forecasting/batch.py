"""The forecasts of the market_intel zone, made together as one rests on the other.

A run takes the series of the business, fills in what has come since, lets that judge the versions on trial, chooses
anew for series that are due, and forecasts. What is not due is forecast as it was chosen, without another backtest.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import ibis
import pyarrow as pa

from services.market_intel.forecasting import accuracy, business, life, versions
from services.market_intel.forecasting.business import Business
from services.market_intel.forecasting.choose import Effort, models_of
from services.market_intel.forecasting.due import Due, Judge
from services.market_intel.forecasting.hierarchy import Hierarchy, reconciled
from services.market_intel.forecasting.kept import Chosen, Kept, choose_for, forecasts
from services.market_intel.forecasting.model import Forecast, Model
from services.market_intel.forecasting.models.gbm import GradientBoosting
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.periods import FREQUENCIES
from services.market_intel.forecasting.rows import ACCURACY, BACKTESTS, FORECASTS, LINEAGE, TABLES, TIES, Rows, empty
from services.market_intel.forecasting.spread import spread
from services.market_intel.forecasting.tune import Budget, model_of, tune
from services.market_intel.forecasting.tune_windows import TooShortToTune
from services.market_intel.forecasting.versions import Roles, Version
from shared.engine import Engine
from shared.models import Training

log = logging.getLogger(__name__)

MOST_AHEAD = {"day": 90, "week": 26, "month": 12}
HISTORY = 4
"""Periods of history for each that is forecast: three that a backtest holds back, and one before them to learn from."""

MAKES = {"forecast_tables": TABLES}
__all__ = ["LINEAGE", "MAKES", "TIES", "forecast_tables"]
Tables = dict[str, pa.Table]
BatchEffort = Effort | Literal["tuned"]


def forecast_tables(
    curated_orders: ibis.Table,
    curated_order_items: ibis.Table,
    curated_products: ibis.Table,
    curated_categories: ibis.Table,
    *,
    before: Mapping[str, pa.Table],
    clock: dt.date,
    engine: Engine,
    forecast_effort: BatchEffort,
    training: Training,
) -> Tables:
    """Return market_intel.forecasts, forecast_backtests and forecast_accuracy.

    Registers the choice of models where series are new or due; every row names the version it comes from. `tuned` is
    `full` with a gradient boosting whose settings are tuned first wherever models are chosen.
    """
    tables = curated_orders, curated_order_items, curated_products, curated_categories
    shop = business.read(*tables, clock=clock, engine=engine)
    models = models_of("full" if forecast_effort == "tuned" else forecast_effort)
    budget = Budget() if forecast_effort == "tuned" else None
    return tables_of(shop, before, clock, training, spread(models, engine), budget=budget)


def tables_of(
    shop: Business,
    before: Mapping[str, pa.Table],
    clock: dt.date,
    training: Training,
    models: Mapping[str, Model],
    *,
    budget: Budget | None = None,
) -> Tables:
    """Return the three tables of a business's series; without a budget nothing is tuned."""
    panels = {name: shop.panel(frequency) for name, frequency in FREQUENCIES.items() if shop.keys}
    panels = {name: panel for name, panel in panels.items() if ahead(panel)}
    known = accuracy.with_actuals(before[ACCURACY], panels, shop.keys)
    run = Batch(shop, {**before, ACCURACY: known}, clock, training, models, budget)
    made = [run.frequency(panel) for panel in panels.values()]
    found = {name: pa.concat_tables([empty(name), *(each[name] for each in made)]) for name in TABLES}
    return {**found, ACCURACY: accuracy.remembered(known, found[ACCURACY], clock)}


def ahead(panel: Panel) -> int:
    """Return how many periods ahead can be forecast: as many as the history lets a backtest try."""
    return min(MOST_AHEAD[panel.frequency.name], int(panel.lengths.max(initial=0)) // HISTORY)


@dataclass(frozen=True)
class Batch:
    """One run of the forecasts.

    Attributes:
        shop: the series of the business.
        before: the three tables as they were, actuals filled in.
        clock: last complete day.
        training: the registry, bound to what is read.
        models: to choose from. What was chosen from others before is forecast by those.
        budget: of tuning, for each frequency that models are chosen for; None: nothing is tuned.
    """

    shop: Business
    before: Mapping[str, pa.Table]
    clock: dt.date
    training: Training
    models: Mapping[str, Model]
    budget: Budget | None = None

    def known(self, roles: Roles) -> Mapping[str, Model]:
        """Return every model that the choices of these roles may be of."""
        records = [record for version in roles.by_role.values() for record in version.tuning.values()]
        tuned = {model.name: model for model in map(model_of, records)}
        return {**models_of("full"), **self.models, **tuned}

    def frequency(self, panel: Panel) -> Tables:
        """Return the rows of one frequency."""
        name, horizon = panel.frequency.name, ahead(panel)
        roles = versions.standing(self.training.registry, versions.name_of(name), self.clock)
        if roles is not None:
            roles = versions.judged(roles, self.before[ACCURACY], name, life.RULES[name], self.training.registry)
        due = Judge(self.before[ACCURACY], self.clock, self.training.registry).due(panel, horizon, roles)
        part = panel.select(due.places)
        tuning = self.tuning(part, horizon, roles, due)
        chosen = choose_for(part, horizon, self.choices(tuning), self.clock) if due.places else None
        if chosen is not None:
            roles = self.renewed(panel, roles, due, chosen, tuning=tuning)
        if roles is None:
            raise AssertionError("series without a choice are new, so there is one by now")
        ways = [ways_of(panel, version, roles.champion) for version in roles.by_role.values()]
        answering = [roles.answering(series) for series in panel.ids]
        published = [version.series[series] for version, series in zip(answering, panel.ids, strict=True)]
        found = [self.coherent(panel, one) for one in forecasts(panel, horizon, [*ways, published], self.known(roles))]
        rows = Rows(self.shop.keys, panel, self.clock)
        trying = (roles.challenger or roles.champion).model.version
        return {
            FORECASTS: rows.forecasts(found[-1], published, answering),
            BACKTESTS: rows.backtests(self.before[BACKTESTS], chosen, due.places, trying),
            ACCURACY: rows.accuracy(found, published, answering, roles),
        }

    def tuning(self, panel: Panel, horizon: int, roles: Roles | None, due: Due) -> versions.Tuning:
        """Return what tuning found for the series that models are chosen for, empty where there is nothing to tune.

        A few new series are no reason to tune again: they are tried with what was found for the others.
        """
        if self.budget is None or GradientBoosting.name not in self.models or not len(panel):
            return {}
        if roles is not None and not due.again:
            return roles.champion.mostly_tuned
        try:
            found = tune(panel, horizon, self.budget)
        except TooShortToTune as error:
            log.info("%s: not tuned: %s", panel.frequency.name, error.detail)
            return {}
        except Exception:
            # Whatever goes wrong in it, there are settings without tuning.
            log.exception("%s: not tuned", panel.frequency.name)
            return {}
        name, tried = found.model.name, len(found.trials)
        log.info("%s: %s after %d trials in %.0f s", panel.frequency.name, name, tried, found.seconds)
        return {name: found.written()}

    def choices(self, tuning: versions.Tuning) -> Mapping[str, Model]:
        """Return the models to choose from, the tuned one in place of the one it was tuned from."""
        others = {name: model for name, model in self.models.items() if not tuning or name != GradientBoosting.name}
        return {**others, **{name: model_of(record) for name, record in tuning.items()}}

    def renewed(
        self,
        panel: Panel,
        roles: Roles | None,
        due: Due,
        chosen: Chosen,
        *,
        tuning: versions.Tuning,
    ) -> Roles:
        """Return the roles with what has been chosen, registered."""
        found = {panel.ids[place]: kept for place, kept in zip(due.places, chosen.kept, strict=True)}
        new = {panel.ids[place]: found[panel.ids[place]] for place in due.new}
        again = {panel.ids[place]: found[panel.ids[place]] for place in due.again}
        log.info(
            "%s: models chosen for %d new and %d other series %s", panel.frequency.name, len(new), len(again), due.why
        )
        return versions.renewed(
            roles,
            new,
            again,
            due.why,
            training=self.training,
            frequency=panel.frequency.name,
            clock=self.clock,
            tuning=tuning,
        )

    def coherent(self, panel: Panel, forecast: Forecast) -> Forecast:
        """Return the forecast with means that add up over the parts of the business."""
        sums = tuple((panel.ids[each.whole], tuple(panel.ids[part] for part in each.parts)) for each in self.shop.sums)
        spread = (forecast.quantiles[:, :, -2] - forecast.quantiles[:, :, 1]).mean(axis=1)
        return reconciled(Hierarchy(panel.ids, sums), forecast, spread**2)


def ways_of(panel: Panel, version: Version, champion: Version) -> list[Kept]:
    """Return how a version forecasts each series; the champion's way where it has none of its own."""
    return [version.series.get(series, champion.series[series]) for series in panel.ids]
