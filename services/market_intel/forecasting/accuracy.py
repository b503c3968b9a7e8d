"""What was forecast against what then came: `market_intel.forecast_accuracy`.

A forecast is written down when it is made, at a few horizons, by every version that made one, published or not. When
its period is over, the actual is filled in as it is known then, and stays. Nothing written down is changed after that,
so that a correction of old sales does not make old forecasts better.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.business import Key
from services.market_intel.forecasting.life import Errors
from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.periods import FREQUENCIES
from shared.tables import CONTRACT

TABLE = CONTRACT["market_intel.forecast_accuracy"]
HORIZONS: Mapping[str, tuple[int, ...]] = {
    "day": (1, 7, 14, 28, 60, 90),
    "week": (1, 2, 4, 8, 13, 26),
    "month": (1, 2, 3, 6, 12),
}
"""Periods ahead at which forecasts are followed: all ninety of every day would be nine tenths of the lake's rows."""

KEPT_DAYS = 731
"""How long forecasts are remembered."""

BOUNDS = ("lower_95", "lower_80", "median", "upper_80", "upper_95")
"""Columns of the quantiles, in the order of LEVELS."""


def schema() -> pa.Schema:
    """Return the columns that are the function's to give: all but those the pipeline adds."""
    return pa.schema([field for field in TABLE.arrow_schema() if field.name not in ("data_through_on", "computed_at")])


def made(panel: Panel, keys: Sequence[Key], forecast: Forecast, about: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Return the rows of a forecast just made: one a period, though weeks and months are forecast every day.

    Args:
        panel: the series that were forecast.
        keys: which they are.
        forecast: of them.
        about: role, published, chosen_model, model_name and model_version of each series.
    """
    steps = [step for step in HORIZONS[panel.frequency.name] if step <= forecast.mean.shape[1]]
    made_on = panel.frequency.first_day(int(panel.ends.max())) - dt.timedelta(days=1)
    places = np.asarray(steps, np.int64) - 1
    scales = scores.scale(panel)
    count, each = len(panel), len(steps)
    columns: dict[str, Any] = {
        "metric": repeated([key.metric for key in keys], each),
        "frequency": [panel.frequency.name] * (count * each),
        "level": repeated([key.level for key in keys], each),
        "series_id": repeated([key.series_id for key in keys], each),
        "region": repeated([key.region for key in keys], each),
        "made_on": [made_on] * (count * each),
        "ds": (panel.frequency.first_days((panel.ends[:, None] + places).ravel())).astype("datetime64[D]"),
        "horizon": np.tile(steps, count),
        "mean": forecast.mean[:, places].ravel(),
        "scale": pa.array(np.repeat(scales, each), from_pandas=True),
        **{name: forecast.quantiles[:, places, level].ravel() for level, name in enumerate(BOUNDS)},
        **{name: repeated(values, each) for name, values in about.items()},
    }
    return filled(columns, count * each)


def filled(columns: Mapping[str, Any], rows: int) -> pa.Table:
    """Return the columns in the order and types of the table; what is not given is empty."""
    wanted = schema()
    arrays = [pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(rows, f.type) for f in wanted]
    return pa.table(arrays, wanted)


def repeated(values: Sequence[Any], each: int) -> list[Any]:
    """Return each value so many times in a row."""
    return [value for value in values for _ in range(each)]


def remembered(before: pa.Table, new: pa.Table, clock: dt.date) -> pa.Table:
    """Return what was written down before and the new rows; of what is there already the first stays."""
    old = before.select(schema().names).cast(schema())
    recent = old.filter(pc.greater_equal(old["made_on"], pa.scalar(clock - dt.timedelta(days=KEPT_DAYS))))
    return pa.concat_tables([recent, new.filter(pa.array(unknown(recent, new)))])


def unknown(old: pa.Table, new: pa.Table) -> npt.NDArray[np.bool_]:
    """Return which rows of `new` have a key that `old` has not."""
    days = pc.unique(new["made_on"])
    there = old.filter(pc.is_in(old["made_on"], days)) if len(days) else old.slice(0, 0)
    known = set(zip(*(there[name].to_pylist() for name in TABLE.key), strict=True))
    mine = zip(*(new[name].to_pylist() for name in TABLE.key), strict=True)
    return np.fromiter((key not in known for key in mine), bool, new.num_rows)


def with_actuals(rows: pa.Table, panels: Mapping[str, Panel], keys: Sequence[Key]) -> pa.Table:
    """Return the rows with the actuals of periods that are over now, and how far off the forecasts were.

    Args:
        rows: of the table.
        panels: history of all series by frequency.
        keys: which series they are, the same in all panels.
    """
    rows = rows.select(schema().names).cast(schema())
    places = {(key.metric, key.level, key.series_id): place for place, key in enumerate(keys)}
    open_rows = pc.is_null(rows["actual"])
    settled, waiting = rows.filter(pc.invert(open_rows)), rows.filter(open_rows)
    actual = actuals(waiting, panels, places)
    came = np.isfinite(actual)
    if not came.any():
        return rows
    told = judged(waiting.filter(pa.array(came)), actual[came])
    return pa.concat_tables([settled, told, waiting.filter(pa.array(~came))])


def actuals(rows: pa.Table, panels: Mapping[str, Panel], places: Mapping[tuple[str, str, str], int]) -> Floats:
    """Return what came in the period of each row, NaN where it is not over or the series is no more."""
    found = np.full(rows.num_rows, np.nan)
    frequencies = np.array(rows["frequency"].to_pylist(), dtype=np.str_)
    series = zip(*(rows[name].to_pylist() for name in ("metric", "level", "series_id")), strict=True)
    index = np.fromiter((places.get(name, -1) for name in series), np.int64, rows.num_rows)
    days = np.asarray(rows["ds"].cast(pa.int32()).to_numpy(), np.int64).astype("datetime64[D]")
    for name, panel in panels.items():
        mine = np.flatnonzero((frequencies == name) & (index >= 0))
        if not len(mine) or not len(panel):
            continue
        which = index[mine]
        at = FREQUENCIES[name].numbers(days[mine]) - panel.starts[which]
        over = at < panel.lengths[which]
        # Before a series began nothing was sold of it.
        inside = over & (at >= 0)
        found[mine[over]] = 0.0
        found[mine[inside]] = panel.values[panel.offsets[which[inside]] + at[inside]]
    return found


def judged(rows: pa.Table, actual: Floats) -> pa.Table:
    """Return rows with their actual and how far off they were."""
    said = {name: np.asarray(rows[name].to_numpy(), np.float64) for name in ("mean", *BOUNDS)}
    scale = np.asarray(rows["scale"].to_numpy(), np.float64)
    quantiles = np.column_stack([said[name] for name in BOUNDS])
    columns: dict[str, Any] = {name: rows[name].combine_chunks() for name in rows.column_names}
    columns |= {
        "actual": actual,
        "error": said["mean"] - actual,
        "scaled_error": pa.array(np.abs(said["median"] - actual) / scale, from_pandas=True),
        "pinball": scores.pinball(actual[:, None], quantiles[:, None, :], LEVELS),
        "within_80": (said["lower_80"] <= actual) & (actual <= said["upper_80"]),
        "within_95": (said["lower_95"] <= actual) & (actual <= said["upper_95"]),
    }
    return filled(columns, rows.num_rows)


def errors_of(rows: pa.Table, frequency: str, model: str, versions: Sequence[str], role: str) -> Errors:
    """Return the scaled errors of what some versions of a model forecast while they had a role."""
    mine = rows.filter(
        (pc.field("frequency") == frequency)
        & (pc.field("model_name") == model)
        & (pc.field("role") == role)
        & pc.field("model_version").isin(list(versions))
        & pc.field("scaled_error").is_valid()
    )
    names = ("metric", "level", "series_id", "made_on", "ds", "horizon", "scaled_error")
    return {
        (f"{metric}/{level}/{series}", made_on, ds, horizon): error
        for metric, level, series, made_on, ds, horizon, error in zip(
            *(mine[name].to_pylist() for name in names), strict=True
        )
    }


def tracked(errors: Errors, since: dt.date, horizon: int) -> dict[str, tuple[float, int]]:
    """Return the mean scaled error of each series and of how many forecasts it is the mean.

    Args:
        errors: scaled errors.
        since: first day of the periods that count.
        horizon: most periods ahead that count.
    """
    found: dict[str, list[float]] = {}
    for (series, _, ds, ahead), error in errors.items():
        if ds >= since and ahead <= horizon:
            found.setdefault(series, []).append(error)
    return {series: (float(np.mean(values)), len(values)) for series, values in found.items()}
