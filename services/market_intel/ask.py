"""What somebody wants to have forecast, checked: of the shop or of series, how far ahead, by which model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.market_intel.forecasting.choose import Effort
from services.market_intel.forecasting.periods import Frequency
from shared.errors import FieldError, InvalidArgument

AUTO = "auto"
DEFAULT_DAYS = 28
MOST_DAYS = 365
MOST_AHEAD: Mapping[str, int] = {"day": 365, "week": 104, "month": 36}
DAYS: Mapping[str, int] = {"day": 1, "week": 7, "month": 30}
LEVELS = (80, 95)
MOST_ROWS = 2_000_000
"""Series × periods ahead of one forecast."""

Metric = Literal["", "revenue", "orders", "units"]


class HorizonTooLong(InvalidArgument):
    """Nothing worth saying can be said so far ahead."""

    reason = "HORIZON_TOO_LONG"


class UnknownLevel(InvalidArgument):
    """An interval that is not forecast."""

    reason = "UNKNOWN_LEVEL"


class MetricOrSeries(InvalidArgument):
    """Nothing to forecast was named, or two things."""

    reason = "METRIC_OR_SERIES"


class ForecastTooLarge(InvalidArgument):
    """The forecast would have more rows than one may have."""

    reason = "FORECAST_TOO_LARGE"


@dataclass(frozen=True)
class Filters:
    """Part of the shop; an empty condition holds for all of it."""

    category: str = ""
    product: str = ""
    region: str = ""
    channel: str = ""
    country: str = ""

    def told(self) -> str:
        """Return the conditions in words."""
        given = [f"{name} {value!r}" for name, value in vars(self).items() if value]
        return " and ".join(given) or "all of the shop"


@dataclass(frozen=True)
class Ask:
    """A forecast or a comparison as it is asked for; the observations stand beside it.

    Attributes:
        metric: of the shop; empty where series came along.
        horizon: periods ahead.
        levels: intervals to answer with, in percent.
        effort: how much the automatic choice tries; None: by the number of series.
        gaps: value of a period without an observation, NaN: not known.
        country: whose holidays are known ahead; empty: nobody's.
    """

    frequency: Frequency
    horizon: int
    metric: Metric = ""
    filters: Filters = field(default_factory=Filters)
    model: str = AUTO
    levels: tuple[int, ...] = LEVELS
    effort: Effort | None = None
    gaps: float = 0.0
    country: str = ""
    components: bool = False

    @property
    def by_line(self) -> bool:
        """Return whether lines of orders must be looked at, which takes seconds: no table of the zone adds them up."""
        return bool(self.filters.product or (self.filters.category and self.metric == "orders"))


def periods_ahead(frequency: Frequency, days: int | None, periods: int | None) -> int:
    """Return how many periods ahead are asked for, in days or in periods; where both are given, periods count.

    Raises:
        HorizonTooLong: beyond a year of days, two years of weeks or three of months.
        InvalidArgument: less than one.
    """
    name, asked = (
        ("horizon", periods) if periods is not None else ("horizon_days", DEFAULT_DAYS if days is None else days)
    )
    if asked < 1:
        raise wrong(name, "must be at least 1")
    if periods is None and asked > MOST_DAYS:
        raise too_long(name, f"{asked} days are more than the {MOST_DAYS} that can be forecast; ask for fewer")
    found = asked if periods is not None else -(-asked // DAYS[frequency.name])
    most = MOST_AHEAD[frequency.name]
    if found > most:
        raise too_long(name, f"{found} {frequency.name}s are more than the {most} that can be forecast; ask for fewer")
    return found


def check_size(series: int, horizon: int) -> None:
    """Raise ForecastTooLarge where the answer would be beyond reason."""
    if series * horizon > MOST_ROWS:
        raise ForecastTooLarge(
            f"{series} series × {horizon} periods are more than {MOST_ROWS} rows; ask for fewer series or periods",
            errors=[FieldError("horizon", f"× {series} series is more than {MOST_ROWS} rows")],
        )


def wrong(name: str, detail: str) -> InvalidArgument:
    """Return the error for one field of the ask."""
    return InvalidArgument(f"{name} {detail}", errors=[FieldError(name, detail)])


def too_long(name: str, detail: str) -> HorizonTooLong:
    """Return the error for a horizon beyond reason."""
    return HorizonTooLong(detail, errors=[FieldError(name, detail)])
