"""The equal mean of several models: their means, and their quantiles level by level.

Averaging quantiles keeps the width of a typical member, where averaging densities would add the members' disagreement
to it. Sources: Clemen (1989), "Combining forecasts"; Lichtendahl, Grushka-Cockayne & Winkler (2013), "Is it better to
average probabilities or quantiles?".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.market_intel.forecasting.model import Forecast, Model
from services.market_intel.forecasting.models.naive import SeasonalNaive
from services.market_intel.forecasting.models.smoothing import ExponentialSmoothing
from services.market_intel.forecasting.models.theta import Theta
from services.market_intel.forecasting.panel import Panel


class Ensemble:
    """Exponential smoothing, Theta and seasonal naive in equal parts, or whichever members are given."""

    name = "ensemble"

    def __init__(self, members: Sequence[Model] | None = None) -> None:
        self._members = tuple(members) if members else (ExponentialSmoothing(), Theta(), SeasonalNaive())
        self.local = all(getattr(member, "local", False) for member in self._members)

    def forecast(self, panel: Panel, horizon: int) -> Forecast:
        """Return the mean of the members' forecasts."""
        found = [member.forecast(panel, horizon) for member in self._members]
        told = "equal parts of " + ", ".join(member.name for member in self._members)
        return Forecast(
            np.mean([one.mean for one in found], axis=0),
            np.mean([one.quantiles for one in found], axis=0),
            (told,) * len(panel),
        )
