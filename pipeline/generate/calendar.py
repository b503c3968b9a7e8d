"""How much is ordered when: growth, the year, weekdays, the hours of the local day, holidays, the Black Friday week.

Every multiplier here is planted and documented in docs/generator.md; `tables()` gives them for truth/.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from pipeline.generate.world import rng

if TYPE_CHECKING:
    from pipeline.generate.world import Country, Floats, Knobs, Whole

WEEKDAYS = np.array([1.08, 1.03, 1.00, 0.98, 0.92, 0.90, 1.09])
"""Monday first, by the local day."""
HOURS = np.array(
    [0.42, 0.26, 0.17, 0.13, 0.13, 0.20, 0.40, 0.68, 0.92, 1.12, 1.24, 1.28,
     1.30, 1.25, 1.18, 1.15, 1.16, 1.22, 1.38, 1.62, 1.80, 1.72, 1.30, 0.80]
)  # fmt: skip
"""By the local hour: an evening peak, a smaller one at noon."""
MONTHS = np.array([0.90, 0.86, 0.93, 0.96, 1.00, 0.98, 0.94, 0.93, 0.98, 1.03, 1.22, 1.27])
HOLIDAY = 0.72
"""On a public holiday of the country."""
BLACK_FRIDAY = {-4: 1.15, -3: 1.2, -2: 1.3, -1: 1.6, 0: 3.2, 1: 2.0, 2: 1.7, 3: 2.4, 4: 1.3}
"""Days from Black Friday (Cyber Monday is 3)."""
CHRISTMAS = {(12, 24): 0.5, (12, 25): 0.35, (12, 26): 0.7, (12, 31): 0.6, (1, 1): 0.5}
DAYS_A_YEAR = 365.25


def black_friday(year: int) -> date:
    """Return the day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 21 + 1)


def intensity(knobs: Knobs, countries: tuple[Country, ...]) -> Floats:
    """Return expected orders an hour (UTC) and country, in any unit: (hours, countries)."""
    return np.column_stack([_of(country, knobs) for country in countries])


def slot_orders(knobs: Knobs, expected: Floats) -> Whole:
    """Return how many orders fall into each hour: a multinomial draw that adds up to `knobs.orders`."""
    chances = expected.sum(axis=1)
    return rng(knobs.seed, "slots").multinomial(knobs.orders, chances / chances.sum())


def seasons(knobs: Knobs, departments: int) -> Floats:
    """Return each department's own yearly seasonality of demand: (departments, days), around 1."""
    draw = rng(knobs.seed, "seasons")
    peak, strength = draw.uniform(0, 1, departments), draw.uniform(0.05, 0.45, departments) * knobs.season
    year = np.array([_of_year(knobs.start + timedelta(days=day)) for day in range(knobs.days)])
    made: Floats = np.exp(strength[:, None] * np.cos(2 * np.pi * (year[None, :] - peak[:, None])))
    return made


def day_factors(knobs: Knobs, country: Country) -> dict[date, float]:
    """Return the multiplier of each local day of a country that the world touches, growth included."""
    import holidays  # noqa: PLC0415  slow to import

    first = knobs.start - timedelta(days=1)
    span = [first + timedelta(days=number) for number in range(knobs.days + 3)]
    closed = holidays.country_holidays(country.code, years=range(span[0].year, span[-1].year + 1))
    return {day: _of_day(day, knobs, country, day in closed) for day in span}


def tables(knobs: Knobs, countries: tuple[Country, ...]) -> dict[str, pa.Table]:
    """Return the planted multipliers for truth/: by country and day, by weekday and hour."""
    rows = [(c.code, day, factor) for c in countries for day, factor in day_factors(knobs, c).items()]
    code, day, factor = zip(*rows, strict=True)
    days = pa.table({"country": code, "local_day": pa.array(day, pa.date32()), "factor": factor})
    shape = pa.table(
        {
            "kind": ["weekday"] * 7 + ["hour"] * 24 + ["month"] * 12,
            "number": [*range(7), *range(24), *range(1, 13)],
            "factor": [*WEEKDAYS, *HOURS, *MONTHS],
        }
    )
    return {"seasonality_days": days, "seasonality_shape": shape}


def _of(country: Country, knobs: Knobs) -> Floats:
    zone, factors = ZoneInfo(country.time_zone), day_factors(knobs, country)
    start = datetime.combine(knobs.start, datetime.min.time(), UTC)
    local = [(start + timedelta(hours=hour)).astimezone(zone) for hour in range(knobs.days * 24)]
    hours = HOURS[[moment.hour for moment in local]] / HOURS.mean()
    made: Floats = country.weight * hours * np.array([factors[moment.date()] for moment in local])
    return made


def _of_day(day: date, knobs: Knobs, country: Country, closed: bool) -> float:
    years = (day - knobs.start).days / DAYS_A_YEAR
    trend = (1 + country.growth + knobs.growth) ** years
    season = _month(day) ** knobs.season
    week = float(WEEKDAYS[day.weekday()] / WEEKDAYS.mean())
    event = BLACK_FRIDAY.get((day - black_friday(day.year)).days, 1.0)
    rest = CHRISTMAS.get((day.month, day.day), HOLIDAY if closed else 1.0)
    return float(trend * season * week * event * rest)


def _month(day: date) -> float:
    """Return the month's multiplier, drawn out between the middles of the months so that nothing jumps."""
    place = (day.month - 1) + (day.day - 15) / 30
    low = int(np.floor(place))
    share = place - low
    return float(MONTHS[low % 12] * (1 - share) + MONTHS[(low + 1) % 12] * share)


def _of_year(day: date) -> float:
    return (day.timetuple().tm_yday - 1) / DAYS_A_YEAR
