"""What a model is: it learns from a panel and says what comes next, for all series in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from services.market_intel.forecasting.panel import Floats, Panel
from shared.errors import FailedPrecondition

LEVELS: Floats = np.array([0.025, 0.1, 0.5, 0.9, 0.975])
"""Probabilities of the quantiles that are forecast: the 95 % and 80 % intervals and the median."""

NORMAL: Floats = np.array([-1.959964, -1.281552, 0.0, 1.281552, 1.959964])
"""The same quantiles of the standard normal distribution."""


class ModelNotInstalled(FailedPrecondition):
    """A model whose library is not there."""

    reason = "MODEL_NOT_INSTALLED"


@dataclass(frozen=True)
class Forecast:
    """What a model expects.

    Attributes:
        mean: expected values, shape (series, horizon).
        quantiles: at LEVELS, shape (series, horizon, levels), rising along the levels.
        told: what the model says of how it came to each series, such as its form; empty where there is nothing to say.
        components: name of a part, such as `trend` or a regressor, → shape (series, horizon). They add up to the mean.
    """

    mean: Floats
    quantiles: Floats
    told: tuple[str, ...] = ()
    components: Mapping[str, Floats] = field(default_factory=dict)


class Model(Protocol):
    """One way to forecast."""

    name: str

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return what comes in the next `horizon` periods of every series."""


def normal(mean: Floats, deviation: Floats, told: tuple[str, ...] = ()) -> Forecast:
    """Return a forecast whose errors are normal with that standard deviation, shape (series, horizon)."""
    return Forecast(mean, mean[:, :, None] + deviation[:, :, None] * NORMAL, told)
