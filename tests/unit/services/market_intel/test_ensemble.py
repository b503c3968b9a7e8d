"""The equal mean of models."""

from __future__ import annotations

import numpy as np

from services.market_intel.forecasting.models.ensemble import Ensemble
from services.market_intel.forecasting.models.naive import MovingAverage, SeasonalNaive
from tests.unit.services.market_intel.test_models import panel, weekly_pattern


def test_means_and_quantiles_are_those_of_the_members_halved():
    members = (SeasonalNaive(), MovingAverage())
    series = panel(weekly_pattern(3, 100))
    found = Ensemble(members).forecast(series, 7)
    first, second = (member.forecast(series, 7) for member in members)
    np.testing.assert_allclose(found.mean, (first.mean + second.mean) / 2)
    np.testing.assert_allclose(found.quantiles, (first.quantiles + second.quantiles) / 2)
    assert found.told[0] == "equal parts of seasonal_naive, moving_average"


def test_it_is_local_only_where_all_members_are():
    class Global:
        name, local = "global", False

    assert Ensemble((SeasonalNaive(),)).local
    assert not Ensemble((SeasonalNaive(), Global())).local
