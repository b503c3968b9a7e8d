"""What is said of series before they are forecast, and what they are forecast by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from services.market_intel import forecasts
from services.market_intel.ask import Ask
from services.market_intel.forecasting.choose import Effort, models_of
from services.market_intel.forecasting.model import Model
from services.market_intel.forecasting.panel import panel_of
from services.market_intel.forecasting.periods import DAY, WEEK, Frequency
from services.market_intel.forecasts import general_notes

FIRST = np.datetime64("2024-01-01")
MONTHS = (np.datetime64("2024-01") + np.arange(12)).astype("datetime64[D]")


@pytest.mark.parametrize(
    "days, frequency, longer",
    [
        (FIRST + 7 * np.arange(30), DAY, "week"),
        (MONTHS, DAY, "month"),
        (MONTHS, WEEK, "month"),
        (FIRST + np.arange(60)[np.arange(60) % 7 < 5], DAY, ""),
        (FIRST + 7 * np.arange(3), DAY, ""),
    ],
)
def test_observations_of_longer_periods_than_was_said_are_told_of(days: np.ndarray, frequency: Frequency, longer: str):
    notes = general_notes(Ask(frequency, 7), panel_of(frequency, days, np.full(len(days), 5.0)))
    assert "had no observation and count as 0" in notes[0]
    assert [note.rpartition("=")[2] for note in notes[1:]] == [longer] * bool(longer)


class Tried(Exception):
    """Which models the automatic choice was given."""


@pytest.mark.parametrize("effort", ["cheap", "full"])
def test_auto_answers_with_the_models_that_the_automatic_choice_tries_by_itself(
    effort: Effort, monkeypatch: pytest.MonkeyPatch
):
    def noted(*_: object, models: Mapping[str, Model], **__: object) -> None:
        raise Tried(sorted(models))

    monkeypatch.setattr(forecasts, "automatic", noted)
    panel = panel_of(DAY, FIRST + np.arange(60), np.ones(60))
    with pytest.raises(Tried) as found:
        forecasts.forecast(Ask(DAY, 7, effort=effort), panel, lambda share, phrase: None)
    assert found.value.args[0] == sorted(models_of(effort, len(panel)))
