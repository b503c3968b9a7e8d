"""The forecasts of the market_intel zone, made together as one rests on the other.

A run takes the series of the business, fills in what has come since, lets that judge the versions on trial, chooses
anew for series that are due, and forecasts. What is not due is forecast as it was chosen, without another backtest.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.market_intel.forecasting import accuracy, business, life, versions
from services.market_intel.forecasting.backtest import Backtest
from services.market_intel.forecasting.business import Business, Key
from services.market_intel.forecasting.choose import Effort, models_of
from services.market_intel.forecasting.hierarchy import Hierarchy, reconciled
from services.market_intel.forecasting.kept import Chosen, Kept, choose_for, forecasts
from services.market_intel.forecasting.model import Forecast, Model
from services.market_intel.forecasting.models.gbm import GradientBoosting
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.periods import FREQUENCIES, Frequency
from services.market_intel.forecasting.spread import spread
from services.market_intel.forecasting.tune import Budget, model_of, tune
from services.market_intel.forecasting.tune_windows import TooShortToTune
from services.market_intel.forecasting.versions import Roles, Version
from shared.engine import Engine
from shared.lineage import GENERATED, ModelStep
from shared.models import CHAMPION, Training
from shared.reconciliation import Untied
from shared.tables import CONTRACT

log = logging.getLogger(__name__)

MOST_AHEAD = {"day": 90, "week": 26, "month": 12}
HISTORY = 4
"""Periods of history for each that is forecast: three that a backtest holds back, and one before them to learn from."""

TRACKED_SEASONS = 4
FORECASTS, BACKTESTS, ACCURACY = TABLES = ("forecasts", "forecast_backtests", "forecast_accuracy")
MAKES = {"forecast_tables": TABLES}
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


def columns_of(name: str) -> pa.Schema:
    """Return the columns of a table that are given here: all but those that the pipeline adds."""
    wanted = CONTRACT[f"market_intel.{name}"].arrow_schema()
    return pa.schema([each for each in wanted if each.name not in ("data_through_on", "computed_at")])


def empty(name: str) -> pa.Table:
    """Return a table without rows."""
    return columns_of(name).empty_table()


@dataclass(frozen=True)
class Due:
    """Series to choose models for, by place: without a choice yet, and with one that is to be made again, and why."""

    new: tuple[int, ...]
    again: Mapping[int, str]


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
        due = self.due(panel, roles)
        places = sorted({*due.new, *due.again})
        part = panel.select(places)
        tuning = self.tuning(part, horizon, roles, due)
        chosen = choose_for(part, horizon, self.choices(tuning), self.clock) if places else None
        if chosen is not None:
            roles = self.renewed(panel, roles, due, places, chosen, tuning=tuning)
        if roles is None:
            raise AssertionError("series without a choice are new, so there is one by now")
        ways = [ways_of(panel, version, roles.champion) for version in roles.by_role.values()]
        answering = [roles.answering(series) for series in panel.ids]
        published = [version.series[series] for version, series in zip(answering, panel.ids, strict=True)]
        found = [self.coherent(panel, one) for one in forecasts(panel, horizon, [*ways, published], self.known(roles))]
        return {
            FORECASTS: self.forecast_rows(panel, found[-1], published, answering),
            BACKTESTS: self.backtest_rows(panel, chosen, places, roles),
            ACCURACY: self.accuracy_rows(panel, found, published, answering, roles),
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
        name, tried = found.model.name, len(found.trials)
        log.info("%s: %s after %d trials in %.0f s", panel.frequency.name, name, tried, found.seconds)
        return {name: found.written()}

    def choices(self, tuning: versions.Tuning) -> Mapping[str, Model]:
        """Return the models to choose from, the tuned one in place of the one it was tuned from."""
        others = {name: model for name, model in self.models.items() if not tuning or name != GradientBoosting.name}
        return {**others, **{name: model_of(record) for name, record in tuning.items()}}

    def due(self, panel: Panel, roles: Roles | None) -> Due:
        """Return the series to choose models for. While a choice is on trial or watched, no other is made again."""
        if roles is None:
            return Due(tuple(range(len(panel))), {})
        kept = roles.champion.series
        new = tuple(place for place, series in enumerate(panel.ids) if series not in kept)
        if roles.challenger or roles.shadow or not self.rested(panel.frequency, roles):
            return Due(new, {})
        name = versions.name_of(panel.frequency.name)
        errors = accuracy.errors_of(self.before[ACCURACY], panel.frequency.name, name, roles.champion.family, CHAMPION)
        span = TRACKED_SEASONS * min(panel.frequency.season, panel.frequency.year // 4)
        since = panel.frequency.first_day(panel.frequency.number(self.clock) - span)
        tracked = accuracy.tracked(errors, since, ahead(panel))
        reasons = {}
        for place, series in enumerate(panel.ids):
            if series in kept:
                now = self.standing(panel, place, kept[series], tracked.get(series))
                if why := life.due(now, life.RULES[panel.frequency.name]):
                    reasons[place] = why
        return Due(new, reasons)

    def rested(self, frequency: Frequency, roles: Roles) -> bool:
        """Return whether the last choice is long enough ago: one that was rolled back is not to come again at once."""
        found = self.training.registry.manifest().versions.get(roles.champion.model.name, {}).values()
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

    def renewed(
        self,
        panel: Panel,
        roles: Roles | None,
        due: Due,
        places: Sequence[int],
        chosen: Chosen,
        *,
        tuning: versions.Tuning,
    ) -> Roles:
        """Return the roles with what has been chosen, registered."""
        found = {panel.ids[place]: kept for place, kept in zip(places, chosen.kept, strict=True)}
        new = {panel.ids[place]: found[panel.ids[place]] for place in due.new}
        again = {panel.ids[place]: found[panel.ids[place]] for place in due.again}
        why = summed_up(list(due.again.values()))
        log.info("%s: models chosen for %d new and %d other series %s", panel.frequency.name, len(new), len(again), why)
        return versions.renewed(
            roles,
            new,
            again,
            why,
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

    def forecast_rows(
        self, panel: Panel, forecast: Forecast, published: Sequence[Kept], answering: Sequence[Version]
    ) -> pa.Table:
        """Return the rows of market_intel.forecasts."""
        count, horizon = forecast.mean.shape
        steps = np.arange(horizon)
        days = panel.frequency.first_days((panel.ends[:, None] + steps).ravel())
        columns: dict[str, Any] = {
            **self.series_columns(panel, range(count), horizon),
            "parent_id": accuracy.repeated([key.parent for key in self.shop.keys], horizon),
            "ds": days,
            "horizon": np.tile(steps + 1, count),
            "mean": forecast.mean.ravel(),
            **{name: forecast.quantiles[:, :, level].ravel() for level, name in enumerate(accuracy.BOUNDS)},
            "chosen_model": accuracy.repeated([kept.chosen for kept in published], horizon),
            "model_name": [versions.name_of(panel.frequency.name)] * (count * horizon),
            "model_version": accuracy.repeated([version.model.version for version in answering], horizon),
        }
        return table(FORECASTS, columns)

    def backtest_rows(self, panel: Panel, chosen: Chosen | None, places: Sequence[int], roles: Roles) -> pa.Table:
        """Return the rows of market_intel.forecast_backtests: of series tried now, and of the others as they were."""
        stale = self.before[BACKTESTS]
        stale = stale.filter(pc.equal(stale["frequency"], panel.frequency.name)).select(columns_of(BACKTESTS).names)
        now = {str(self.shop.keys[place]) for place in places}
        ids = zip(*(stale[name].to_pylist() for name in ("metric", "level", "series_id")), strict=True)
        stays = [(series := f"{m}/{level}/{s}") in panel.ids and series not in now for m, level, s in ids]
        carried = stale.filter(pa.array(stays, pa.bool_())).cast(columns_of(BACKTESTS))
        if chosen is None:
            return carried
        version = (roles.challenger or roles.champion).model.version
        tried = [self.tried(panel, name, chosen, places, version) for name in chosen.tests.runs]
        return pa.concat_tables([carried, *tried])

    def tried(self, panel: Panel, model: str, chosen: Chosen, places: Sequence[int], version: str) -> pa.Table:
        """Return the rows of one model, of the series that it was tried on."""
        tests: Backtest = chosen.tests
        figures = tests.figures(model)
        origins = np.isfinite(tests.runs[model].mean).any(axis=2).sum(axis=0)
        rows = [int(row) for row in np.flatnonzero(origins > 0)]
        is_chosen = [chosen.kept[row].chosen == model for row in rows]
        columns: dict[str, Any] = {
            **self.series_columns(panel, [places[row] for row in rows], 1),
            "model": [model] * len(rows),
            "chosen": is_chosen,
            "why": [chosen.kept[row].why if mine else None for row, mine in zip(rows, is_chosen, strict=True)],
            "intervals": [
                chosen.kept[row].intervals if mine else None for row, mine in zip(rows, is_chosen, strict=True)
            ],
            "tried_on": [self.clock] * len(rows),
            "horizon": [tests.actual.shape[2]] * len(rows),
            "origins": origins[rows],
            **{name: pa.array(values[rows], from_pandas=True) for name, values in figures.items()},
            "seconds": [round(tests.runs[model].seconds, 3)] * len(rows),
            "model_name": [versions.name_of(panel.frequency.name)] * len(rows),
            "model_version": [version] * len(rows),
        }
        return table(BACKTESTS, columns)

    def accuracy_rows(
        self,
        panel: Panel,
        found: Sequence[Forecast],
        published: Sequence[Kept],
        answering: Sequence[Version],
        roles: Roles,
    ) -> pa.Table:
        """Return the forecasts of every version to be held against what comes."""
        rows = []
        for (role, version), forecast in zip(roles.by_role.items(), found, strict=False):
            about: dict[str, Sequence[Any]] = {
                "role": [role] * len(panel),
                "published": [each is version for each in answering],
                "chosen_model": [
                    version.series[series].chosen if series in version.series else kept.chosen
                    for series, kept in zip(panel.ids, published, strict=True)
                ],
                "model_name": [versions.name_of(panel.frequency.name)] * len(panel),
                "model_version": [version.model.version] * len(panel),
            }
            mine = pa.array(np.repeat([series in version.series for series in panel.ids], steps_of(panel, forecast)))
            rows.append(accuracy.made(panel, self.shop.keys, forecast, about).filter(mine))
        return pa.concat_tables(rows)

    def series_columns(self, panel: Panel, places: Sequence[int], each: int) -> dict[str, Any]:
        """Return the columns that say which series a row is of."""
        keys: list[Key] = [self.shop.keys[place] for place in places]
        return {
            "metric": accuracy.repeated([key.metric for key in keys], each),
            "frequency": [panel.frequency.name] * (len(keys) * each),
            "level": accuracy.repeated([key.level for key in keys], each),
            "series_id": accuracy.repeated([key.series_id for key in keys], each),
            "region": accuracy.repeated([key.region for key in keys], each),
        }


def ways_of(panel: Panel, version: Version, champion: Version) -> list[Kept]:
    """Return how a version forecasts each series; the champion's way where it has none of its own."""
    return [version.series.get(series, champion.series[series]) for series in panel.ids]


def steps_of(panel: Panel, forecast: Forecast) -> int:
    """Return how many periods ahead of each series are followed."""
    return sum(step <= forecast.mean.shape[1] for step in accuracy.HORIZONS[panel.frequency.name])


def summed_up(reasons: Sequence[str]) -> str:
    """Return why series were chosen for again: how many, and the first reason."""
    return f"{len(reasons)} series chosen again, the first as: {reasons[0]}" if reasons else ""


def table(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """Return a table of the contract's columns but for those that the pipeline adds."""
    wanted = columns_of(name)
    given = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    arrays = [given[each.name].cast(each.type) for each in wanted]
    return pa.table(arrays, wanted)


MODEL = ("model_name", "model_version")
_COUNTED = (
    "curated.orders.ordered_at",
    "curated.orders.status",
    "curated.orders.total",
    "curated.orders.order_id",
    "curated.order_items.line_total",
    "curated.order_items.quantity",
)
_NAMED = (
    "curated.orders.region",
    "curated.orders.channel",
    "curated.products.product_id",
    "curated.categories.category_id",
    "curated.categories.parent_category_id",
)
_MODEL = ("model_name", "model_version")
_WRITTEN = ("metric", "frequency", "level", "model", "role", "published", "origins", "seconds", *_MODEL)


def _lineage(name: str) -> ModelStep:
    """Return what each column of a table is made of: names of parts, or figures counted from orders and lines."""
    made = {each: GENERATED for each in columns_of(name).names if each in _WRITTEN}
    made |= {each: _NAMED for each in ("series_id", "region", "parent_id") if each in columns_of(name).names}
    return ModelStep(columns={each: made.get(each, _COUNTED) for each in columns_of(name).names})


LINEAGE = {name: _lineage(name) for name in TABLES}

TIES = (
    Untied("market_intel.forecasts", "It holds what is expected of days to come, of which there are no orders yet."),
    Untied("market_intel.forecast_backtests", "It holds how far off models were in tests, and no sums."),
    Untied(
        "market_intel.forecast_accuracy",
        "Its actuals are written down as they were known when each period was over, so later corrections of orders "
        "are not in them.",
    ),
)
