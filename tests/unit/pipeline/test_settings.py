"""What a run is told from outside, where nothing is said."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.settings import PipelineSettings
from pipeline.systems.functions import SERVICES
from services.market_intel.batch import forecast_tables
from services.market_intel.forecasting.choose import models_of


def test_forecasts_are_chosen_from_every_model_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FORECAST_EFFORT", raising=False)
    effort = PipelineSettings(var_dir=tmp_path).forecast_effort
    assert "gbm" in models_of(effort)
    monkeypatch.setenv("FORECAST_EFFORT", "cheap")
    assert "gbm" not in models_of(PipelineSettings(var_dir=tmp_path).forecast_effort)
    monkeypatch.setenv("FORECAST_EFFORT", "tuned")
    assert PipelineSettings(var_dir=tmp_path).forecast_effort == "tuned"
    monkeypatch.setenv("FORECAST_EFFORT", "some")
    with pytest.raises(ValidationError, match="forecast_effort"):
        PipelineSettings(var_dir=tmp_path)


def test_the_batch_is_given_that_setting() -> None:
    (asked,) = set(inspect.signature(forecast_tables).parameters) & {"forecast_effort"}
    assert asked in SERVICES
