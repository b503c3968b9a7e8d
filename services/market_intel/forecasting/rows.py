"""The rows of the three forecast tables, and what their columns are made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.market_intel.forecasting import accuracy, versions
from services.market_intel.forecasting.backtest import Backtest
from services.market_intel.forecasting.business import Key
from services.market_intel.forecasting.kept import Chosen, Kept
from services.market_intel.forecasting.model import Forecast
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.versions import Roles, Version
from shared.lineage import GENERATED, ModelStep
from shared.reconciliation import Untied
from shared.tables import CONTRACT

FORECASTS, BACKTESTS, ACCURACY = TABLES = ("forecasts", "forecast_backtests", "forecast_accuracy")


@dataclass(frozen=True)
class Rows:
    """What is written down of one frequency.

    Attributes:
        keys: which series they are.
        panel: the series.
        clock: last complete day.
    """

    keys: Sequence[Key]
    panel: Panel
    clock: dt.date

    def forecasts(self, forecast: Forecast, published: Sequence[Kept], answering: Sequence[Version]) -> pa.Table:
        """Return the rows of market_intel.forecasts.

        Args:
            forecast: of every series.
            published: how each is forecast.
            answering: version that answers for each.
        """
        panel = self.panel
        count, horizon = forecast.mean.shape
        steps = np.arange(horizon)
        days = panel.frequency.first_days((panel.ends[:, None] + steps).ravel())
        columns: dict[str, Any] = {
            **self.series_columns(range(count), horizon),
            "parent_id": accuracy.repeated([key.parent for key in self.keys], horizon),
            "ds": days,
            "horizon": np.tile(steps + 1, count),
            "mean": forecast.mean.ravel(),
            **{name: forecast.quantiles[:, :, level].ravel() for level, name in enumerate(accuracy.BOUNDS)},
            "chosen_model": accuracy.repeated([kept.chosen for kept in published], horizon),
            "model_name": [versions.name_of(panel.frequency.name)] * (count * horizon),
            "model_version": accuracy.repeated([version.model.version for version in answering], horizon),
        }
        return table(FORECASTS, columns)

    def backtests(self, stale: pa.Table, chosen: Chosen | None, places: Sequence[int], version: str) -> pa.Table:
        """Return the rows of market_intel.forecast_backtests: of series tried now, and of the others as they were.

        Args:
            stale: the table as it was.
            chosen: what was chosen now, and by which tests; None where nothing was.
            places: of the series that it was chosen for.
            version: that the choice belongs to.
        """
        stale = stale.filter(pc.equal(stale["frequency"], self.panel.frequency.name)).select(
            columns_of(BACKTESTS).names
        )
        now = {str(self.keys[place]) for place in places}
        ids = zip(*(stale[name].to_pylist() for name in ("metric", "level", "series_id")), strict=True)
        stays = [(series := f"{m}/{level}/{s}") in self.panel.ids and series not in now for m, level, s in ids]
        carried = stale.filter(pa.array(stays, pa.bool_())).cast(columns_of(BACKTESTS))
        if chosen is None:
            return carried
        tried = [self.tried(name, chosen, places, version) for name in chosen.tests.runs]
        return pa.concat_tables([carried, *tried])

    def tried(self, model: str, chosen: Chosen, places: Sequence[int], version: str) -> pa.Table:
        """Return the rows of one model, of the series that it was tried on."""
        tests: Backtest = chosen.tests
        figures = tests.figures(model)
        origins = np.isfinite(tests.runs[model].mean).any(axis=2).sum(axis=0)
        rows = [int(row) for row in np.flatnonzero(origins > 0)]
        is_chosen = [chosen.kept[row].chosen == model for row in rows]
        columns: dict[str, Any] = {
            **self.series_columns([places[row] for row in rows], 1),
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
            "model_name": [versions.name_of(self.panel.frequency.name)] * len(rows),
            "model_version": [version] * len(rows),
        }
        return table(BACKTESTS, columns)

    def accuracy(
        self, found: Sequence[Forecast], published: Sequence[Kept], answering: Sequence[Version], roles: Roles
    ) -> pa.Table:
        """Return the forecasts of every version to be held against what comes.

        Args:
            found: what each version says, in the order of the roles.
            published: how each series is forecast.
            answering: version that answers for each.
            roles: of the versions.
        """
        panel = self.panel
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
            rows.append(accuracy.made(panel, self.keys, forecast, about).filter(mine))
        return pa.concat_tables(rows)

    def series_columns(self, places: Sequence[int], each: int) -> dict[str, Any]:
        """Return the columns that say which series a row is of."""
        keys: list[Key] = [self.keys[place] for place in places]
        return {
            "metric": accuracy.repeated([key.metric for key in keys], each),
            "frequency": [self.panel.frequency.name] * (len(keys) * each),
            "level": accuracy.repeated([key.level for key in keys], each),
            "series_id": accuracy.repeated([key.series_id for key in keys], each),
            "region": accuracy.repeated([key.region for key in keys], each),
        }


def steps_of(panel: Panel, forecast: Forecast) -> int:
    """Return how many periods ahead of each series are followed."""
    return sum(step <= forecast.mean.shape[1] for step in accuracy.HORIZONS[panel.frequency.name])


def columns_of(name: str) -> pa.Schema:
    """Return the columns of a table that are given here: all but those that the pipeline adds."""
    wanted = CONTRACT[f"market_intel.{name}"].arrow_schema()
    return pa.schema([each for each in wanted if each.name not in ("data_through_on", "computed_at")])


def empty(name: str) -> pa.Table:
    """Return a table without rows."""
    return columns_of(name).empty_table()


def table(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """Return a table of the contract's columns but for those that the pipeline adds."""
    wanted = columns_of(name)
    given = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    arrays = [given[each.name].cast(each.type) for each in wanted]
    return pa.table(arrays, wanted)


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
