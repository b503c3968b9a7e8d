"""A forecast as somebody asked for it: the model or the automatic choice run, and what is to be said of each series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from services.market_intel.ask import AUTO, Ask, check_size
from services.market_intel.forecasting.choose import Automatic, Effort, automatic
from services.market_intel.forecasting.explain import components
from services.market_intel.forecasting.model import Forecast, Model, ModelNotInstalled
from services.market_intel.forecasting.panel import Floats, Panel
from services.market_intel.forecasting.registry import MODELS, Entry
from shared.errors import FailedPrecondition, FieldError, PlatformError

MOST_CHEAP = 50
"""Series of which the automatic choice tries cheap models alone, where nobody says how much to try."""

Progress = Callable[[float, str], None]


class ModelNotSuited(FailedPrecondition):
    """The model that was asked for has no answer for these series."""

    reason = "MODEL_NOT_SUITED"


@dataclass(frozen=True)
class Choice:
    """What one series was forecast by, and why."""

    series_id: str
    model: str
    why: str
    intervals: str
    told: str
    figures: Mapping[str, float]
    """By name, without those that are not defined for the series."""


@dataclass(frozen=True)
class Made:
    """A forecast as it goes to whoever asked."""

    ask: Ask
    panel: Panel
    forecast: Forecast
    choices: tuple[Choice, ...]
    notes: tuple[str, ...]


class Watched:
    """A model whose refusal is remembered: a backtest notes it and goes on, but whoever asked for it wants to know."""

    def __init__(self, model: Model) -> None:
        self.name, self._model = model.name, model
        self.local = getattr(model, "local", False)
        self.refusal: PlatformError | None = None
        self.last: Forecast | None = None

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return what the model says."""
        try:
            self.last = self._model.forecast(panel, horizon)
        except PlatformError as error:
            self.refusal = error
            raise
        return self.last


def effort_of(ask: Ask, series: int) -> Effort:
    """Return how much the automatic choice tries."""
    return ask.effort or ("cheap" if series <= MOST_CHEAP else "full")


def forecast(ask: Ask, panel: Panel, progress: Progress) -> Made:
    """Return the forecast of a panel.

    Raises: ForecastTooLarge; ModelNotInstalled, ModelNotSuited where a model was named that cannot forecast these.
    """
    check_size(len(panel), ask.horizon)
    if ask.model == AUTO:
        found = automatic(panel, ask.horizon, effort=effort_of(ask, len(panel)), progress=progress)
        last = Forecast(found.forecast.mean, found.forecast.quantiles)
    else:
        found, last = by_one(ask, panel, progress)
    notes = (*general_notes(ask, panel), *unused(panel, found))
    answer = replace(found.forecast, components=parts(panel, found.forecast, last) if ask.components else {})
    return Made(ask, panel, answer, choices(panel, found, last.told), notes)


def by_one(ask: Ask, panel: Panel, progress: Progress) -> tuple[Automatic, Forecast]:
    """Return the forecast of the model that was named, and as it came from the model itself.

    Its intervals are calibrated like those of the automatic choice.
    """
    watched = Watched(entry(ask.model).make(country=ask.country or None))
    try:
        found = automatic(panel, ask.horizon, progress=progress, models={ask.model: watched})
    except PlatformError:
        raise
    except Exception as error:
        raise watched.refusal or error from error
    if watched.refusal is not None:
        raise watched.refusal
    last = watched.last
    if last is None or len(last.mean) != len(panel) or not np.isfinite(found.forecast.mean).all():
        detail = f"{entry(ask.model).title} has no answer for these series; let `auto` choose, or send longer ones"
        raise ModelNotSuited(detail, errors=[FieldError("model", detail)])
    return found, last


def entry(name: str) -> Entry:
    """Return what is known of a model. Raises ModelNotInstalled for one that this release has not."""
    if name not in MODELS:
        detail = f"{name} is not among the models here: {', '.join(MODELS)}"
        raise ModelNotInstalled(detail, errors=[FieldError("model", detail)])
    return MODELS[name]


def parts(panel: Panel, answer: Forecast, last: Forecast) -> Mapping[str, Floats]:
    """Return what the mean adds up from: the model's own parts where it went out as the model gave it."""
    own = last.components if np.allclose(last.mean, answer.mean) else {}
    return components(panel, replace(answer, components=own))


def unused(panel: Panel, found: Automatic) -> tuple[str, ...]:
    """Return a sentence where something is known ahead that no model that was tried can use."""
    tried = [MODELS[name] for name in found.backtest.runs if name in MODELS]
    if panel.regressors is None or any(one.regressors for one in tried):
        return ()
    able = ", ".join(one.name for one in MODELS.values() if one.regressors)
    names = ", ".join(panel.regressors.names)
    return (f"{names} made no difference, as no model that was tried uses what is known ahead; {able} do",)


def choices(panel: Panel, found: Automatic, told: tuple[str, ...]) -> tuple[Choice, ...]:
    """Return what is to be said of each series."""
    return tuple(
        Choice(
            name,
            found.chosen[at],
            found.why[at],
            found.intervals[at],
            told[at] if len(told) == len(panel) else "",
            {figure: float(values[at]) for figure, values in found.figures.items() if np.isfinite(values[at])},
        )
        for at, name in enumerate(panel.ids)
    )


def general_notes(ask: Ask, panel: Panel) -> tuple[str, ...]:
    """Return what was done to the series before they were forecast."""
    filled = int(panel.filled.sum())
    if not filled or ask.metric:
        return ()
    as_what = "as not known" if np.isnan(ask.gaps) else "as 0; send gaps=unknown if they are not known"
    return (f"{filled} of {len(panel.values)} periods had no observation and count {as_what}",)
