"""A forecast as somebody asked for it: the model or the automatic choice run, and what is to be said of each series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from services.market_intel.ask import AUTO, Ask, check_size
from services.market_intel.forecasting.choose import Automatic, Effort, automatic, models_of
from services.market_intel.forecasting.explain import Effect, Explained, effects, effects_of, explained
from services.market_intel.forecasting.model import Forecast, Model, ModelNotInstalled
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasting.registry import MODELS, Entry
from shared.errors import FailedPrecondition, FieldError, PlatformError

MOST_CHEAP = 50
"""Series of which the automatic choice tries cheap models alone, where nobody says how much to try."""

MOST_EXPLAINED = 20
"""Series whose parts are answered: those of more are nothing that anybody reads."""
MOST_LEARNT_AGAIN = 5
"""Regressors that a model without parts is trained again without, one after the other."""
NO_PARTS = Explained({}, ())
WHOSE = {"gbm": "SHAP values of its trees", "lstm": "learning again without each regressor"}
"""Where a model's own parts come from; of the others they are terms of the model itself."""

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
    explained: str = ""
    """Whose parts the components are, where they were asked for."""
    effects: tuple[Effect, ...] = ()


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


def forecast(ask: Ask, panel: Panel, progress: Progress, pretrained: Path | None = None) -> Made:
    """Return the forecast of a panel; `pretrained` is the folder of the pretrained model, where one is set up.

    Raises: ForecastTooLarge; ModelNotInstalled, ModelNotSuited where a model was named that cannot forecast these.
    """
    check_size(len(panel), ask.horizon)
    if ask.model == AUTO:
        found, lasts = by_all(ask, panel, progress)
    else:
        found, last = by_one(ask, panel, progress, pretrained)
        lasts = {ask.model: last}
    notes = (*general_notes(ask, panel), *unused(panel, found))
    parts = parts_of(ask, found, lasts) if is_explained(ask, panel) else NO_PARTS
    if ask.components and not is_explained(ask, panel):
        notes = (*notes, f"of more than {MOST_EXPLAINED} series the parts are not told; send fewer")
    answer = replace(found.forecast, components=parts.parts)
    told = lasts[ask.model].told if ask.model != AUTO else ()
    return Made(ask, panel, answer, choices(panel, found, told, parts), notes)


def is_explained(ask: Ask, panel: Panel) -> bool:
    """Return whether the answer tells what it is made up of."""
    return ask.components and len(panel) <= MOST_EXPLAINED


def by_all(ask: Ask, panel: Panel, progress: Progress) -> tuple[Automatic, Mapping[str, Forecast]]:
    """Return the forecast that the past speaks for, and what each model said itself, with its parts where it can."""
    models = models_of(effort_of(ask, len(panel)), len(panel))
    if is_explained(ask, panel):
        models = {name: MODELS[name].make(explained=True) if name == "gbm" else one for name, one in models.items()}
    watched = {name: Watched(one) for name, one in models.items()}
    found = automatic(panel, ask.horizon, progress=progress, models=watched)
    whole = {
        name: one.last
        for name, one in watched.items()
        if one.last is not None and np.array_equal(one.last.mean, found.members[name].mean)
    }
    return found, {**found.members, **whole}


def by_one(ask: Ask, panel: Panel, progress: Progress, pretrained: Path | None) -> tuple[Automatic, Forecast]:
    """Return the forecast of the model that was named, and as it came from the model itself.

    Its intervals are calibrated like those of the automatic choice.
    """
    explain = is_explained(ask, panel)
    watched = Watched(entry(ask.model).make(country=ask.country or None, explained=explain, folder=pretrained))
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


def parts_of(ask: Ask, found: Automatic, lasts: Mapping[str, Forecast]) -> Explained:
    """Return what the mean adds up from: the parts of each model by its share in it."""
    panel = found.panel
    known = panel.regressors
    if ask.model != AUTO and known is not None and len(known.names) <= MOST_LEARNT_AGAIN:
        one = entry(ask.model)
        if one.regressors and not lasts[ask.model].components:
            by_regressor = effects(one.make(country=ask.country or None), panel, ask.horizon)
            lasts = {ask.model: replace(lasts[ask.model], components=by_regressor)}
    titles = {name: WHOSE.get(name, "its own terms") for name in lasts}
    return explained(panel, found.forecast.mean, lasts, found.expected, titles)


def unused(panel: Panel, found: Automatic) -> tuple[str, ...]:
    """Return a sentence where something is known ahead that no model that was tried can use."""
    tried = [MODELS[name] for name in found.backtest.runs if name in MODELS]
    if panel.regressors is None or any(one.regressors for one in tried):
        return ()
    able = ", ".join(one.name for one in MODELS.values() if one.regressors)
    names = ", ".join(panel.regressors.names)
    return (f"{names} made no difference, as no model that was tried uses what is known ahead; {able} do",)


def choices(panel: Panel, found: Automatic, told: tuple[str, ...], parts: Explained) -> tuple[Choice, ...]:
    """Return what is to be said of each series."""
    return tuple(
        Choice(
            name,
            found.chosen[at],
            found.why[at],
            found.intervals[at],
            told[at] if len(told) == len(panel) else "",
            {figure: float(values[at]) for figure, values in found.figures.items() if np.isfinite(values[at])},
            parts.told[at] if parts.told else "",
            effects_of(panel, parts.parts, at),
        )
        for at, name in enumerate(panel.ids)
    )


def general_notes(ask: Ask, panel: Panel) -> tuple[str, ...]:
    """Return what was done to the series before they were forecast, and whether they look like another frequency."""
    filled = int(panel.filled.sum())
    if not filled or ask.metric:
        return ()
    as_what = "as not known" if np.isnan(ask.gaps) else "as 0; send gaps=unknown if they are not known"
    notes = [f"{filled} of {len(panel.values)} periods had no observation and count {as_what}"]
    if longer := looks_like(panel):
        notes.append(f"observations are {longer}s apart; if each is one of a {longer}, send frequency={longer}")
    return tuple(notes)


LONGER = {"day": (("month", 28), ("week", 7)), "week": (("month", 4),)}
"""Frequencies that are longer than one, and how many of its periods they last at least."""
LEAST_APART = 3
"""Distances between observations from which nobody need guess."""


def looks_like(panel: Panel) -> str:
    """Return the longer frequency whose periods all observations other than 0 lie apart, empty where there is none."""
    apart = np.concatenate([np.diff(np.flatnonzero(np.nan_to_num(panel.series(at)))) for at in range(len(panel))])
    if len(apart) < LEAST_APART:
        return ""
    found = (name for name, periods in LONGER.get(panel.frequency.name, ()) if apart.min() >= periods)
    return next(found, "")
