"""Prophet: a trend with changes, the week and the year as waves, holidays by name, and regressors.

Source: Taylor & Letham (2018), "Forecasting at scale".
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from services.market_intel.forecasting import holidays
from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.models.alone import Answer, CannotFit, One, alone, library
from services.market_intel.forecasting.panel import Floats, Panel

LEAST = 12
MOST_PERIODS = 1500
SAMPLES = 500
"""Futures drawn for the quantiles."""

YEARS = {7: "auto", 52: "auto", 12: 5}
"""Season → waves of the year: by months more than five would be told apart by nothing."""

SEED = 1


class Prophet:
    """Prophet, its intervals drawn with a fixed seed."""

    name = "prophet"
    local = True

    def __init__(self, country: str | None = None) -> None:
        """Take the holidays of a country (ISO 3166-1, such as DE), each with an effect of its own."""
        self._country = country

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series, one after the other: about half a second each."""
        with quiet():
            made = library("prophet", "prophet", "install the extra market_intel")

        def fit(one: One, ahead: int) -> Answer:
            return fitted(made, one, ahead, self._country)

        return alone(fit, panel, horizon, title="Prophet", least=LEAST, most=MOST_PERIODS)


def fitted(prophet: Any, one: One, horizon: int, country: str | None) -> Answer:
    """Return the forecast of one series."""
    with quiet(), drawn(SEED):
        frame = rows(one, horizon, country)
        off = days_off(one, horizon, country)
        made = prophet.Prophet(
            yearly_seasonality=YEARS[one.frequency.season] if len(one.values) >= 2 * one.frequency.year else False,
            weekly_seasonality=one.frequency.season == 7,
            daily_seasonality=False,
            holidays=off,
            uncertainty_samples=SAMPLES,
        )
        used = [name for name in one.names if not (country and name in holidays.NAMES)]
        for name in used:
            made.add_regressor(column(one, name), standardize=False)
        past = len(one.values)
        try:
            made.fit(frame[:past], seed=SEED)
            samples = made.predictive_samples(frame[past:].drop(columns="y"))["yhat"]
            made.uncertainty_samples = 0
            found = made.predict(frame[past:].drop(columns="y"))
        except (RuntimeError, ValueError) as error:
            raise CannotFit("its fit did not hold") from error
    mean = found["yhat"].to_numpy()
    parts = {name: found[column(one, name)].to_numpy() for name in used}
    parts |= {part: found[key].to_numpy() for part, key in (("week", "weekly"), ("year", "yearly")) if key in found}
    if off is not None:
        parts["holidays"] = found["holidays"].to_numpy()
    parts["trend"] = mean - sum(parts.values(), np.zeros(horizon))
    quantiles: Floats = np.quantile(samples, LEVELS, axis=1).T
    return Answer(mean, quantiles, told(one, used, country), parts)


def told(one: One, used: list[str], country: str | None) -> str:
    """Return what went into the fit."""
    return "trend and " + ", ".join(
        [
            *(["the week"] if one.frequency.season == 7 else []),
            *(["the year"] if len(one.values) >= 2 * one.frequency.year else []),
            *([f"holidays of {country}"] if country else []),
            *used,
        ]
        or ["nothing else"]
    )


def column(one: One, name: str) -> str:
    """Return what a regressor is called within Prophet, which keeps names such as `trend` to itself."""
    return f"regressor_{one.names.index(name)}"


def rows(one: One, horizon: int, country: str | None) -> Any:
    """Return the frame that Prophet reads: past and periods ahead, `y` unknown in the latter."""
    import pandas  # noqa: PLC0415  slow to import, and only here

    numbers = one.start + np.arange(len(one.values) + horizon)
    frame = pandas.DataFrame({"ds": one.frequency.first_days(numbers).astype("datetime64[ns]")})
    frame["y"] = np.concatenate([one.values, np.full(horizon, np.nan)])
    for name, past, ahead in zip(one.names, one.past, one.ahead, strict=True):
        frame[column(one, name)] = np.concatenate([past, ahead])
    return frame


def days_off(one: One, horizon: int, country: str | None) -> Any:
    """Return the holidays of a country by name, each at the first day of the period that it is in."""
    if not country:
        return None
    import pandas  # noqa: PLC0415  slow to import, and only here

    first, last = (one.frequency.first_day(one.start + place) for place in (0, len(one.values) + horizon))
    found = holidays.public_holidays(country, first, last)
    days = np.array(list(found), "datetime64[D]")
    starts = one.frequency.first_days(one.frequency.numbers(days)).astype("datetime64[ns]")
    frame = pandas.DataFrame({"holiday": list(found.values()), "ds": starts}).drop_duplicates()
    return frame if len(frame) else None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' progress out of the logs of the service.

    By `disabled`, for cmdstanpy sets the level of its logger itself when it first says something.
    """
    loggers = [logging.getLogger(name) for name in ("prophet", "prophet.plot", "cmdstanpy")]
    before = [one.disabled for one in loggers]
    for one in loggers:
        one.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, was in zip(loggers, before, strict=True):
            one.disabled = was


@contextmanager
def drawn(seed: int) -> Iterator[None]:
    """Set NumPy's global random state, which Prophet draws from, and give it back as it was."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
