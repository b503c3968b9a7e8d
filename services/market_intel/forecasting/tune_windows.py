"""The windows that settings are tuned on, all of them before those that models are chosen by, and what is lost there.

What the backtest of `choose.plan` holds back is cut off first; rolling origins are taken of what remains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.market_intel.forecasting import scores
from services.market_intel.forecasting.backtest import LEAST_BEFORE, MEDIAN
from services.market_intel.forecasting.choose import plan
from services.market_intel.forecasting.fallback import plausible
from services.market_intel.forecasting.model import LEVELS, Forecast
from services.market_intel.forecasting.models.gbm import Learner, Lesson, Settings
from services.market_intel.forecasting.panel import Floats, Panel
from shared.errors import FailedPrecondition

ORIGINS = 2
"""Rolling origins that do not overlap: a year of days has no room for more before those of the choice."""

LEAST_AHEAD = 4
"""Periods ahead that a window must have: fewer tell of settings as little as of anything else."""

LEAST_SCALE = 0.25
"""As in `choose.typical_errors`."""

ORDER = (MEDIAN, *(place for place in np.argsort(np.abs(LEVELS - 0.5), kind="stable").tolist() if place != MEDIAN))
"""Levels as they are trained, from the middle outwards: their mean loss falls on the way, as the pruner expects."""


class TooShortToTune(FailedPrecondition):
    """Series that have too little past before the windows that models are chosen by."""

    reason = "TOO_SHORT_TO_TUNE"


@dataclass(frozen=True)
class Window:
    """One origin: what is learnt, what was known, what came, and what losses are multiples of."""

    lesson: Lesson
    known: Panel
    actual: Floats
    scale: Floats

    def losses(self, quantiles: Floats, levels: Floats) -> Floats:
        """Return twice the pinball loss of each series in multiples of its scale, NaN where that is not known."""
        return 2 * scores.pinball(self.actual, quantiles, levels) / self.scale


def origins_of(panel: Panel, horizon: int) -> tuple[tuple[int, ...], list[Window]]:
    """Return how many periods lie after each origin, and the origins, oldest first. Raises TooShortToTune."""
    ahead, choices, step = plan(panel, horizon)
    of_choice = ahead + step * (choices - 1)
    left = int(np.median(panel.lengths)) - of_choice
    # Half of what is left is learnt from, however far ahead the forecast is to reach.
    ahead = min(ahead, left // (2 * ORIGINS))
    held_back = tuple(of_choice + ahead * count for count in range(ORIGINS, 0, -1))
    windows = [window(panel, ahead, cut) for cut in held_back] if ahead >= LEAST_AHEAD else []
    found = [one for one in windows if one is not None]
    if not found:
        raise TooShortToTune(
            f"the choice among models holds back the last {of_choice} {panel.frequency.name}s, and what series have "
            "before them is too short to be tuned on; send longer series, or forecast without tuning"
        )
    return held_back, found


def window(panel: Panel, ahead: int, cut: int) -> Window | None:
    """Return the origin with `cut` periods after it, of which `ahead` are forecast; None where there is no past."""
    chosen = np.flatnonzero(panel.lengths >= cut + max(ahead, LEAST_BEFORE))
    if not len(chosen):
        return None
    tested = panel.select(chosen)
    known, actual = tested.before(cut), tested.matrix(cut)[:, :ahead]
    scale = scales(known, actual)
    try:
        lesson = Lesson.of(known, ahead)
    except ValueError:
        return None
    return Window(lesson, known, actual, scale) if np.isfinite(scale).any() else None


def scales(known: Panel, actual: Floats) -> Floats:
    """Return what losses are multiples of, NaN where it is not known.

    A series that hardly moved before the window and does so in it would outweigh all others together: it is not scaled
    by less than a share of how far it lies from the middle of its past.
    """
    past = [values[np.isfinite(values)] for values in map(known.series, range(len(known)))]
    middle = np.array([np.median(values) if len(values) else np.nan for values in past])
    found = np.fmax(scores.scale(known), LEAST_SCALE * scores.mae(actual, middle[:, None]))
    return np.where(found > 0, found, np.nan)


def steps(windows: list[Window], settings: Settings, threads: int) -> Iterator[float]:
    """Yield the mean loss over series and levels after each level of ORDER, of all origins together.

    The last is of the quantiles as the model answers them: rising, and within what the series has shown.
    """
    learners = [Learner(window.lesson, settings, threads) for window in windows]
    said: list[list[Floats]] = [[] for _ in windows]
    for count, place in enumerate(ORDER, start=1):
        for learner, quantiles in zip(learners, said, strict=True):
            quantiles.append(learner.quantile(LEVELS[place]))
        answers = [np.stack(quantiles, axis=2) for quantiles in said]
        levels = LEVELS[list(ORDER[:count])]
        if count == len(ORDER):
            answers = [answer(window, found) for window, found in zip(windows, answers, strict=True)]
            levels = LEVELS
        yield mean([window.losses(found, levels) for window, found in zip(windows, answers, strict=True)], windows)


def answer(window: Window, quantiles: Floats) -> Floats:
    """Return the quantiles as the model and its bounds leave them, at LEVELS."""
    rising = np.sort(quantiles, axis=2)
    return plausible(window.known, Forecast(rising[:, :, MEDIAN], rising)).quantiles


def mean(losses: list[Floats], windows: list[Window]) -> float:
    """Return the mean over series of their mean over origins."""
    names = np.concatenate([np.asarray(window.known.ids) for window in windows])
    values = np.concatenate(losses)
    good = np.isfinite(values)
    _, places = np.unique(names[good], return_inverse=True)
    return float((np.bincount(places, values[good]) / np.bincount(places)).mean())
