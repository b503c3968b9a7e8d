"""Public holidays of a country, as regressors that any model can use.

Source: the package `holidays`, which knows the dates of some 150 countries and how they move.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from services.market_intel.forecasting.panel import Floats, Panel, Regressors
from services.market_intel.forecasting.periods import Frequency, Ints
from shared.errors import FieldError, InvalidArgument

NAMES = ("holiday", "holiday_eve", "holiday_morrow")
"""Names of the regressors: days off in the period, days before one, days after one."""


class UnknownCountry(InvalidArgument):
    """A country whose holidays are not known."""

    reason = "UNKNOWN_COUNTRY"


def public_holidays(country: str, first: date, last: date) -> dict[date, str]:
    """Return the days off between two days, both included, and their names in English where there is one.

    Args:
        country: ISO 3166-1 code of two letters, or `US-CA` with a subdivision.
        first: first day.
        last: last day.

    Raises:
        UnknownCountry: there is no such country, or its holidays are not known.
    """
    import holidays  # noqa: PLC0415  slow to import

    code, _, part = country.upper().partition("-")
    years = range(first.year, last.year + 1)
    try:
        found = holidays.country_holidays(code, subdiv=part or None, years=years)
        if "en_US" in found.supported_languages:
            found = holidays.country_holidays(code, subdiv=part or None, years=years, language="en_US")
    except NotImplementedError as error:
        detail = f"no holidays are known for {country[:20]!r}; give a code such as DE, US or US-CA, or leave it out"
        raise UnknownCountry(detail, errors=[FieldError("country", detail)]) from error
    return {day: name for day, name in sorted(found.items()) if first <= day <= last}


def holiday_regressors(panel: Panel, horizon: int, country: str) -> Regressors:
    """Return how many days off, eves and days after there are in each period, past and ahead.

    Raises:
        UnknownCountry: there is no such country.
    """
    first, last = int(panel.starts.min()), int(panel.ends.max()) + horizon
    table = counts(panel.frequency, first, last, country)
    lengths = panel.lengths
    past = np.arange(panel.offsets[-1]) - np.repeat(panel.offsets[:-1], lengths) + np.repeat(panel.starts, lengths)
    ahead = panel.ends[:, None] + np.arange(horizon)
    return Regressors(NAMES, table[:, past - first], table[:, ahead - first])


def counts(frequency: Frequency, first: int, last: int, country: str) -> Floats:
    """Return NAMES of each period from one number to before another, shape (3, periods)."""
    days_from, days_to = frequency.first_day(first), frequency.first_day(last) - timedelta(days=1)
    off = public_holidays(country, days_from - timedelta(days=1), days_to + timedelta(days=1))
    every = np.arange(np.datetime64(days_from), np.datetime64(days_to) + 1)
    number: Ints = frequency.numbers(every) - first
    free = np.isin(every, np.array(list(off), "datetime64[D]"))
    before = ~free & np.isin(every + 1, np.array(list(off), "datetime64[D]"))
    after = ~free & np.isin(every - 1, np.array(list(off), "datetime64[D]"))
    return np.array([np.bincount(number[which], minlength=last - first) for which in (free, before, after)], np.float64)
