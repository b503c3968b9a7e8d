"""Seasonal ARIMA, its order found for each series.

The stepwise search of Hyndman & Khandakar (2008), "Automatic time series forecasting: the forecast package for R", made
small: differences by tests, then neighbours of the best order as long as AICc falls, at most MOST_FITS fits a series.
A season of 52 weeks would need a state of more than 52 numbers; there, and for the year of daily series, pairs of sines
and cosines are regressed on instead (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 10.5 and 12.1).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from services.market_intel.forecasting.model import NORMAL, Forecast
from services.market_intel.forecasting.models.alone import Answer, CannotFit, One, alone, library
from services.market_intel.forecasting.panel import Floats, Panel

LEAST = 12
RECENT_PERIODS = {7: 500, 52: 260, 12: 240}
"""Season → periods back that orders are learnt from."""

MOST_FITS = 18
ITERATIONS = 30
LONG_SEASON = 24
"""Seasons longer than that are sines and cosines."""

WAVES = (0, 2, 5)
"""How many pairs of sines and cosines are tried for a year."""

STRENGTH = 0.64
"""Share of the variance about the trend that is seasonal from which seasonal differences are taken (FPP 9.1)."""

KPSS_LIMIT = 0.463
"""5 % critical value of the KPSS test of a constant level (Kwiatkowski et al., 1992)."""


class Arima:
    """SARIMA(p,d,q)(P,D,Q) with regressors, errors normal."""

    name = "arima"
    local = True

    def __init__(self, fits: int = MOST_FITS) -> None:
        """Try so many orders at most for each series."""
        self._fits = fits

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the forecasts of all series, one after the other: about a second each."""
        library("statsmodels.api", "arima", "install the extra market_intel")
        most = RECENT_PERIODS[panel.frequency.season]

        def fit(one: One, ahead: int) -> Answer:
            return fitted(one, ahead, self._fits)

        return alone(fit, panel, horizon, title="ARIMA", least=LEAST, most=most)


@dataclass(frozen=True, order=True)
class Order:
    """p, d, q, their seasonal counterparts, and whether there is a constant."""

    p: int
    d: int
    q: int
    sp: int = 0
    sd: int = 0
    sq: int = 0
    constant: bool = False

    def name(self, season: int) -> str:
        """Return the usual name."""
        seasonal = f"({self.sp},{self.sd},{self.sq})[{season}]" if self.sp + self.sd + self.sq else ""
        return f"ARIMA({self.p},{self.d},{self.q}){seasonal}" + (" with drift" if self.constant and self.d else "")

    def neighbours(self, seasonal: bool) -> Iterator[Order]:
        """Yield the orders one step away."""
        for p, q in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1)):
            if 0 <= self.p + p <= 3 and 0 <= self.q + q <= 3:
                yield replace(self, p=self.p + p, q=self.q + q)
        if seasonal:
            for sp, sq in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                if 0 <= self.sp + sp <= 1 and 0 <= self.sq + sq <= 1:
                    yield replace(self, sp=self.sp + sp, sq=self.sq + sq)
        if self.d + self.sd <= 1:
            yield replace(self, constant=not self.constant)


def fitted(one: One, horizon: int, fits: int) -> Answer:
    """Return the forecast of one series by the best order found."""
    season = one.frequency.season
    period = season if season <= LONG_SEASON else 0
    spans = [count for count in WAVES if len(one.values) >= (1.5 * one.frequency.year if count else 0)]
    if season == one.frequency.year <= LONG_SEASON:
        spans = [0]
    searches = [Search(one, period, waves(one, count, horizon), fits) for count in spans]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        differences = differences_of(searches[-1])
        simple = Order(1, *differences[:1], 1, 0, differences[1], 1 if period and differences[1] else 0)
        best = min(searches, key=lambda search: search.score(simple))
        best.fits = sum(search.fits for search in searches)
        order = best.best(differences, simple)
        return forecast(best, order, horizon)


def waves(one: One, count: int, horizon: int) -> tuple[Floats, Floats]:
    """Return sines and cosines of the year, over the past (2 count, periods) and ahead (2 count, horizon)."""
    at = np.arange(len(one.values) + horizon) + one.start
    length = 365.25 if one.frequency.year == 365 else 365.25 / 7
    angles = 2 * np.pi * np.arange(1, count + 1)[:, None] * at / length
    both = np.concatenate([np.sin(angles), np.cos(angles)])
    return both[:, : len(one.values)], both[:, len(one.values) :]


@dataclass
class Search:
    """Orders tried for one series with certain regressors, and their AICc."""

    one: One
    period: int
    sines: tuple[Floats, Floats]
    most: int
    tried: dict[Order, tuple[float, Floats]] = field(default_factory=dict)
    fits: int = 0

    @property
    def past(self) -> Floats | None:
        """Return all that is regressed on, shape (periods, columns)."""
        columns = np.concatenate([self.one.past, self.sines[0]]).T
        return columns if columns.shape[1] else None

    def model(self, order: Order, *, simple: bool) -> Any:
        """Return the state space model; `simple` differences beforehand, which is faster but cannot forecast."""
        statespace = library("statsmodels.tsa.statespace.sarimax", "arima", "install the extra market_intel")
        model = statespace.SARIMAX(
            self.one.values,
            self.past,
            order=(order.p, order.d, order.q),
            seasonal_order=(order.sp, order.sd, order.sq, self.period if order.sp + order.sd + order.sq else 0),
            trend="c" if order.constant else "n",
            simple_differencing=simple,
            concentrate_scale=True,
        )
        if simple and not np.isnan(self.one.values).any():
            model.ssm.filter_chandrasekhar = True
        return model

    def score(self, order: Order) -> float:
        """Return AICc of an order, infinite where it cannot be fitted."""
        if order not in self.tried:
            self.tried[order] = self.fit(order)
        return self.tried[order][0]

    def fit(self, order: Order) -> tuple[float, Floats]:
        """Return AICc and parameters of an order."""
        self.fits += 1
        try:
            model = self.model(order, simple=True)
            start = model.start_params
            found = model.fit(start, disp=0, maxiter=ITERATIONS, cov_type="none", return_params=True)
            loglikelihood = float(model.loglike(found))
        except (ValueError, np.linalg.LinAlgError, IndexError):
            return np.inf, np.zeros(0)
        free, observed = len(found) + 1, int(np.isfinite(model.endog).sum())
        if not np.isfinite(loglikelihood) or observed <= free + 1:
            return np.inf, np.zeros(0)
        return -2 * loglikelihood + 2 * free * observed / (observed - free - 1), np.asarray(found)

    def best(self, differences: tuple[int, int], simple: Order) -> Order:
        """Return the order from which no step lowers AICc any more, or the best when the fits are spent."""
        d, sd = differences
        seasonal = bool(self.period) and len(self.one.values) >= 3 * self.period
        level = d + sd == 0
        begin = [
            replace(simple, constant=level),
            Order(0, d, 0, 0, sd, 0, level),
            Order(2, d, 2, simple.sp, sd, simple.sq, level),
        ]
        if seasonal:
            begin += [Order(1, d, 0, 1, sd, 0, level), Order(0, d, 1, 0, sd, 1, level)]
        best = min(begin, key=self.score)
        while True:
            better = next(
                (
                    near
                    for near in best.neighbours(seasonal)
                    if self.fresh(near) and self.score(near) < self.score(best)
                ),
                None,
            )
            if better is None:
                break
            best = better
        if not np.isfinite(self.score(best)):
            raise CannotFit("no order could be fitted")
        return best

    def fresh(self, order: Order) -> bool:
        """Return whether an order has not been tried and may still be."""
        return order not in self.tried and self.fits < self.most


def differences_of(search: Search) -> tuple[int, int]:
    """Return how often to difference, and how often over the season: at most once over it, at most twice in all."""
    values = filled(search.one.values)
    past = search.past
    if past is not None:
        with_level = np.column_stack([np.ones(len(past)), past])
        values = values - past @ np.linalg.lstsq(with_level, values, rcond=None)[0][1:]
    period, sd = search.period, 0
    if period and len(values) >= 3 * period and strength(values, period) > STRENGTH:
        values, sd = values[period:] - values[:-period], 1
    d = 0
    while d + sd < 2 and len(values) > 8 and kpss(values) > KPSS_LIMIT:
        values, d = np.diff(values), d + 1
    return d, sd


def filled(values: Floats) -> Floats:
    """Return the values with straight lines across the gaps, for tests only."""
    known = np.isfinite(values)
    return np.interp(np.arange(len(values)), np.flatnonzero(known), values[known])


def strength(values: Floats, period: int) -> float:
    """Return how strong the season is, 0-1 (Wang, Smith & Hyndman, 2006)."""
    seasonal = library("statsmodels.tsa.seasonal", "arima", "install the extra market_intel")
    parts = seasonal.STL(values, period=period, robust=False).fit()
    about = float(np.var(parts.resid + parts.seasonal))
    return max(0.0, 1 - float(np.var(parts.resid)) / about) if about > 0 else 0.0


def kpss(values: Floats) -> float:
    """Return the KPSS statistic of a constant level, with Bartlett weights over 3 sqrt(n) / 13 lags."""
    off = values - values.mean()
    count = len(off)
    lags = int(3 * np.sqrt(count) / 13)
    variance = float(off @ off)
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(off[lag:] @ off[:-lag])
    if variance <= 0:
        return 0.0
    return float((np.cumsum(off) ** 2).sum() / (count * variance))


def forecast(search: Search, order: Order, horizon: int) -> Answer:
    """Return the forecast by an order whose parameters have been found."""
    model = search.model(order, simple=False)
    try:
        found = model.filter(search.tried[order][1])
        ahead = np.concatenate([search.one.ahead, search.sines[1]]).T
        coming = found.get_forecast(horizon, exog=ahead if ahead.shape[1] else None)
    except (ValueError, np.linalg.LinAlgError) as error:
        raise CannotFit("its fit did not hold") from error
    mean, deviation = np.asarray(coming.predicted_mean), np.asarray(coming.se_mean)
    names = model.param_names
    columns = [index for index, name in enumerate(names) if name in model.exog_names] if ahead.shape[1] else []
    effects = ahead.T * np.asarray(found.params)[columns][:, None]
    parts = dict(zip(search.one.names, effects, strict=False))
    if len(search.sines[1]):
        parts["year"] = effects[len(search.one.names) :].sum(axis=0)
    parts["trend"] = mean - effects.sum(axis=0)
    pairs = len(search.sines[1]) // 2
    told = order.name(search.period) + (f", {pairs} pairs of waves a year" if pairs else "")
    return Answer(mean, mean[:, None] + deviation[:, None] * NORMAL, f"{told}; best of {search.fits} by AICc", parts)
