"""Growth, momentum and anomalies of the metrics, by region, for days, weeks and months.

Only complete periods have a row: those that begin no earlier than the day of the first order and are over at the batch
clock. A period without orders is one of 0; of the average order value it is empty.

Anomalies: robust STL (Cleveland et al. 1990) with a season of 7 days, 52 weeks or 12 months; what is left, in robust
standard deviations (x - median) × 0.6745 ÷ MAD, is an anomaly from 3.5 either way (Iglewicz and Hoaglin 1993). Series
shorter than two seasons and a period have a running median instead of STL, and no season.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from services.market_intel.forecasting.periods import FREQUENCIES, Frequency, year_before
from shared.engine import Engine
from shared.lineage import ModelStep
from shared.metrics import METRICS
from shared.reconciliation import Untied
from shared.tables import CONTRACT
from shared.tables.market_analytics import EVERYWHERE, TREND_METRICS

Floats = npt.NDArray[np.float64]

WINDOW = {"day": 7, "week": 4, "month": 3}
"""Periods that moving average and momentum look back on."""
WEEK_AGO = {"day": 7, "week": 1}
MONTH_AGO = {"day": 28, "week": 4, "month": 1}
YEAR_AGO = {"week": 52, "month": 12}
"""Of days the same date a year before, not so many days."""
ANOMALOUS = 3.5
SEASONS = 21
"""Seasons that a seasonal value is smoothed over. With the 7 that are the default the season takes in noise, so that
what is left is far too often an anomaly: of a week and white noise 6 % of the days, with 21 and TREND 0.7 %."""
TREND = {7: 29}
"""Days that the trend is smoothed over, by season; of weeks and months what STL takes by itself."""
SPARSE = 0.3
COUNTS = ("orders", "units", "active_customers")
MOST_REGIONS = 60
"""Regions that have trends of their own: those of the largest revenue."""
SUMS = ("revenue", "orders", "valid_orders", "units")
MIXED = "mixed"


def trends(
    market_intel_revenue_daily: ibis.Table, market_intel_customer_daily: ibis.Table, engine: Engine, clock: dt.date
) -> pa.Table:
    """Return market_intel.trends: each metric, frequency and region by period."""
    days = engine.to_arrow(daily_sums(market_intel_revenue_daily))
    customers = {name: engine.to_arrow(active(market_intel_customer_daily, name)) for name in FREQUENCIES}
    rows: dict[str, list[Any]] = {name: [] for name in _schema().names}
    if days.num_rows:
        first = min(days["ds"].to_pylist())
        for series in every_series(days, customers, first, clock):
            for name, values in series.items():
                rows[name].extend(values)
    return pa.table(rows, schema=_schema())


def _schema() -> pa.Schema:
    table = CONTRACT["market_intel.trends"]
    tail = ("data_through_on", "model_name", "model_version", "computed_at")
    return pa.schema([field for field in table.arrow_schema() if field.name not in tail])


def daily_sums(market_intel_revenue_daily: ibis.Table) -> ibis.Table:
    """Return the sums of each day, region and currency."""
    rows = market_intel_revenue_daily
    return rows.group_by("ds", "region", "currency_code").aggregate(
        **{name: rows[name].sum().cast("float64") for name in SUMS}
    )


def active(market_intel_customer_daily: ibis.Table, frequency: str) -> ibis.Table:
    """Return how many customers ordered in each period, by region and over all regions."""
    rows = market_intel_customer_daily.filter(market_intel_customer_daily.customer_id != "")
    if frequency != "day":
        rows = rows.mutate(ds=rows.ds.truncate({"week": "W", "month": "M"}[frequency]))
    by_region = rows.group_by("ds", "region").aggregate(customers=rows.customer_id.nunique())
    whole = rows.group_by("ds").aggregate(customers=rows.customer_id.nunique())
    named = whole.select("ds", region=ibis.literal(EVERYWHERE), customers=whole.customers)
    return by_region.select("ds", "region", "customers").union(named)


def every_series(
    days: pa.Table, customers: dict[str, pa.Table], first: dt.date, clock: dt.date
) -> Iterator[dict[str, list[Any]]]:
    """Yield the rows of each metric, frequency and region."""
    for frequency in FREQUENCIES.values():
        numbers = complete(frequency, first, clock)
        if not len(numbers):
            continue
        for region, sums, money in by_region(days, frequency, numbers):
            sums["active_customers"] = counted(customers[frequency.name], region, frequency, numbers)
            with np.errstate(divide="ignore", invalid="ignore"):
                sums["aov"] = sums["revenue"] / np.where(sums["valid_orders"] > 0, sums["valid_orders"], np.nan)
            for metric in TREND_METRICS:
                unit = money if METRICS[metric].unit == "currency_code" else METRICS[metric].unit
                yield rows_of(metric, frequency, region=region, unit=unit, numbers=numbers, values=sums[metric])


def complete(frequency: Frequency, first: dt.date, clock: dt.date) -> npt.NDArray[np.int64]:
    """Return the numbers of the periods that lie wholly between two days, both included."""
    begin, end = frequency.number(first), frequency.number(clock)
    if frequency.first_day(begin) < first:
        begin += 1
    if frequency.first_day(end + 1) > clock + dt.timedelta(days=1):
        end -= 1
    return np.arange(begin, end + 1, dtype=np.int64)


def by_region(
    days: pa.Table, frequency: Frequency, numbers: npt.NDArray[np.int64]
) -> Iterator[tuple[str, dict[str, Floats], str]]:
    """Yield each region with its sums by period and the currency of its amounts, the whole first."""
    place = frequency.numbers(days["ds"].to_numpy().astype("datetime64[D]")) - numbers[0]
    inside = (place >= 0) & (place < len(numbers))
    region = np.array(days["region"].to_pylist(), dtype=object)
    currency = np.array(days["currency_code"].to_pylist(), dtype=object)
    values = {name: days[name].to_numpy() for name in SUMS}
    for name in (EVERYWHERE, *largest(region, values["revenue"])):
        chosen = inside if name == EVERYWHERE else inside & (region == name)
        sums: dict[str, Floats] = {
            key: np.bincount(place[chosen], weights=column[chosen], minlength=len(numbers)).astype(np.float64)
            for key, column in values.items()
        }
        sums["revenue"] = sums["revenue"].round(2)
        money = sorted(set(currency[chosen]))
        yield name, sums, money[0] if len(money) == 1 else MIXED


def largest(region: npt.NDArray[np.object_], revenue: Floats) -> list[str]:
    """Return the regions of the largest revenue, largest first."""
    names, place = np.unique(region.astype(str), return_inverse=True)
    totals = np.bincount(place, weights=revenue)
    return [str(names[index]) for index in np.lexsort((names, -totals))[:MOST_REGIONS]]


def counted(rows: pa.Table, region: str, frequency: Frequency, numbers: npt.NDArray[np.int64]) -> Floats:
    """Return the customers of a region by period, 0 where there were none."""
    found = np.zeros(len(numbers))
    names = np.array(rows["region"].to_pylist(), dtype=object) == region
    place = frequency.numbers(rows["ds"].to_numpy().astype("datetime64[D]")) - numbers[0]
    chosen = names & (place >= 0) & (place < len(numbers))
    found[place[chosen]] = rows["customers"].to_numpy()[chosen]
    return found


def rows_of(
    metric: str, frequency: Frequency, *, region: str, unit: str, numbers: npt.NDArray[np.int64], values: Floats
) -> dict[str, list[Any]]:
    """Return the columns of one series."""
    count, name = len(numbers), frequency.name
    trend, seasonal, score = decomposed(values, frequency, is_count=metric in COUNTS)
    average = moving_average(values, WINDOW[name])
    growth = {
        "growth_pct": change_pct(values, 1),
        "growth_week_pct": change_pct(values, WEEK_AGO.get(name)),
        "growth_month_pct": change_pct(values, MONTH_AGO.get(name)),
        "growth_year_pct": year_change_pct(values, numbers, frequency),
        "momentum_pct": change_pct(average, WINDOW[name]),
    }
    columns = {"value": values, "moving_average": average, "trend": trend, "seasonal": seasonal, "anomaly_score": score}
    return {
        "metric": [metric] * count,
        "frequency": [name] * count,
        "region": [region] * count,
        "unit": [unit] * count,
        "ds": frequency.first_days(numbers).tolist(),
        **{key: filled(column) for key, column in (columns | growth).items()},
        "is_anomaly": (np.abs(np.nan_to_num(score)) >= ANOMALOUS).tolist(),
    }


def filled(values: Floats) -> list[float | None]:
    """Return the values with None for those there are none of."""
    return [value if np.isfinite(value) else None for value in values.tolist()]


def change_pct(values: Floats, lag: int | None) -> Floats:
    """Return the change against `lag` periods before in percent, NaN where there is nothing to compare with."""
    found = np.full(len(values), np.nan)
    if lag is not None and lag < len(values):
        found[lag:] = relative(values[lag:], values[:-lag])
    return found


def relative(after: Floats, before: Floats) -> Floats:
    """Return (after - before) ÷ before × 100, NaN where before is 0."""
    base = np.where(before != 0, before, np.nan)
    made: Floats = (after - before) / base * 100
    return made


def year_change_pct(values: Floats, numbers: npt.NDArray[np.int64], frequency: Frequency) -> Floats:
    """Return the change against the same period a year before; 29 February is held against 28 February."""
    if frequency.name != "day":
        return change_pct(values, YEAR_AGO[frequency.name])
    before = np.array([frequency.number(year_before(frequency.first_day(int(n)))) for n in numbers]) - numbers[0]
    found = np.full(len(values), np.nan)
    known = before >= 0
    found[known] = relative(values[known], values[before[known]])
    return found


def moving_average(values: Floats, window: int) -> Floats:
    """Return the mean of the last `window` values, NaN where there are fewer or one of them is unknown."""
    found = np.full(len(values), np.nan)
    if len(values) >= window:
        found[window - 1 :] = np.lib.stride_tricks.sliding_window_view(values, window).mean(axis=1)
    return found


def decomposed(values: Floats, frequency: Frequency, *, is_count: bool = False) -> tuple[Floats, Floats, Floats]:
    """Return trend, seasonal part and robust score of what is left; unknown values are bridged and have no score.

    Series of which three in ten periods are 0 have no score at all: what is usual cannot be told from so little.
    """
    known = np.isfinite(values)
    if known.sum() < 5:
        nothing = np.full(len(values), np.nan)
        return nothing, nothing, nothing
    places = np.arange(len(values))
    bridged = np.interp(places, places[known], values[known])
    trend, seasonal = split(bridged, frequency.season)
    left = bridged - trend - seasonal
    if (bridged == 0).mean() >= SPARSE:
        return trend, seasonal, np.full(len(values), np.nan)
    least = float(np.sqrt(bridged.mean())) if is_count else 0.0
    return trend, seasonal, np.where(known, robust_score(left, least), np.nan)


def split(values: Floats, season: int) -> tuple[Floats, Floats]:
    """Return trend and seasonal part."""
    if len(values) <= 2 * season or not np.ptp(values):
        return running_median(values, 2), np.zeros(len(values))
    from statsmodels.tsa.seasonal import STL  # noqa: PLC0415  only the pipeline has it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Every third value is smoothed, the others lie on lines between them: a third of the time, the same figures.
        steps = {"seasonal_jump": 3, "trend_jump": 3}
        trend = TREND.get(season)
        found = STL(values, period=season, seasonal=SEASONS, trend=trend, robust=True, **steps).fit()
    return np.asarray(found.trend, np.float64), np.asarray(found.seasonal, np.float64)


def running_median(values: Floats, reach: int) -> Floats:
    """Return the median of each value with its neighbours up to `reach` on each side."""
    padded = np.pad(values, reach, mode="edge")
    made: Floats = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)
    return made


def robust_score(left: Floats, least: float = 0.0) -> Floats:
    """Return how far each value lies from the median, in standard deviations told by the MAD; 0 where that is 0.

    `least` is the smallest standard deviation there can be: of counts that of Poisson's, √mean.
    """
    around = left - np.median(left)
    spread = max(float(np.median(np.abs(around))) / 0.6745, least)
    return around / spread if spread > 0 else np.zeros(len(left))


_REVENUE = "market_intel.revenue_daily"
_VALUE = (*(f"{_REVENUE}.{name}" for name in SUMS), "market_intel.customer_daily.customer_id")

TIES = (Untied("market_intel.trends", "Holds revenue_daily, which is tied, again by period and region"),)

LINEAGE = {
    "trends": ModelStep(
        columns={
            "metric": (),
            "frequency": (),
            "region": (f"{_REVENUE}.region",),
            "ds": (f"{_REVENUE}.ds",),
            "unit": (f"{_REVENUE}.currency_code",),
            **dict.fromkeys(
                (
                    "value",
                    "growth_pct",
                    "growth_week_pct",
                    "growth_month_pct",
                    "growth_year_pct",
                    "moving_average",
                    "momentum_pct",
                    "trend",
                    "seasonal",
                    "anomaly_score",
                    "is_anomaly",
                ),
                _VALUE,
            ),
        }
    )
}
