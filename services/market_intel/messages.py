"""Forecasts, league tables and models as messages and as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from protos.common.v1 import table_pb2
from protos.market_intel.v1 import forecasting_pb2 as pb
from services.market_intel.compare import Comparison, Score
from services.market_intel.forecasting.backtest import LOWER_80, LOWER_95, MEDIAN, UPPER_80, UPPER_95
from services.market_intel.forecasting.panel import ONLY_SERIES, Panel
from services.market_intel.forecasts import Choice, Made
from services.market_intel.versions import Move
from shared.models import ModelVersion
from shared.tables import Column
from shared.tables.columns import day, real, text

MOST_ROWS, MOST_CHOICES, MOST_HISTORY, MOST_HISTORIES = 2_000, 200, 2_000, 20
"""Most of each that an answer carries itself."""

BANDS = {80: (("lower_80", LOWER_80), ("upper_80", UPPER_80)), 95: (("lower_95", LOWER_95), ("upper_95", UPPER_95))}
FIGURES = tuple(field.name for field in pb.ForecastFigures.DESCRIPTOR.fields)

FORECAST_COLUMNS: tuple[Column, ...] = (
    text("series_id", "Name of the series; `all` where there is only one"),
    day("ds", "First day of the period"),
    real("mean", "Expected value"),
    real("median", "Value as likely to be passed as not"),
    real("lower_80", "Lower end of the 80 % interval"),
    real("upper_80", "Upper end of the 80 % interval"),
    real("lower_95", "Lower end of the 95 % interval"),
    real("upper_95", "Upper end of the 95 % interval"),
)
CHOICE_COLUMNS: tuple[Column, ...] = (
    text("series_id", "Name of the series; `all` where there is only one"),
    text("model", "Model it was forecast by"),
    text("why", "Reason in words"),
    text("intervals", "Where the intervals come from"),
    *(real(name, f"{name} on rolling origins; empty where it is not defined", null=True) for name in FIGURES),
)


def forecast_rows(made: Made) -> pa.Table:
    """Return a row for each series and period, in the columns of FORECAST_COLUMNS that were asked for."""
    found = made.forecast
    series, horizon = found.mean.shape
    columns: dict[str, Any] = {
        "series_id": pa.array(made.panel.ids).take(pa.array(np.repeat(np.arange(series), horizon))),
        "ds": pa.array(days_ahead(made.panel, horizon).ravel(), pa.date32()),
        "mean": found.mean.ravel(),
        "median": found.quantiles[:, :, MEDIAN].ravel(),
    }
    for level in made.ask.levels:
        columns.update({name: found.quantiles[:, :, place].ravel() for name, place in BANDS[level]})
    return pa.table(columns)


def days_ahead(panel: Panel, horizon: int) -> np.ndarray:
    """Return the first day of each period ahead, shape (series, horizon)."""
    return panel.frequency.first_days(panel.ends[:, None] + np.arange(horizon))


def choice_rows(made: Made) -> pa.Table:
    """Return a row for each series."""
    plain = {name: [getattr(one, name) for one in made.choices] for name in ("series_id", "model", "why", "intervals")}
    figures = {name: pa.array([one.figures.get(name) for one in made.choices], pa.float64()) for name in FIGURES}
    return pa.table({**plain, **figures})


def forecast_response(
    made: Made, rows: pa.Table, lineage: table_pb2.Lineage | None, notes: Iterable[str], forecast_id: str = ""
) -> pb.ForecastResponse:
    """Return the answer, as far as one may carry it; `forecast_id` leads to the rest."""
    alone = made.panel.ids == (ONLY_SERIES,)
    answer = pb.ForecastResponse(
        chosen=[choice_message(one, made, at, alone) for at, one in enumerate(made.choices[:MOST_CHOICES])],
        notes=[*notes, *made.notes],
        forecast_id=forecast_id,
        series_count=len(made.panel),
        row_count=rows.num_rows,
        metric=made.ask.metric,
        frequency=made.ask.frequency.name,
        lineage=lineage,
    )
    if rows.num_rows <= MOST_ROWS:
        answer.forecast.extend(points(rows, alone))
    if len(made.panel) <= MOST_HISTORIES:
        answer.history.extend(history(made.panel, MOST_HISTORY // len(made.panel), alone))
    return answer


def points(rows: pa.Table, alone: bool) -> Iterable[pb.ForecastPoint]:
    """Yield the rows of a forecast; what is not finite is left out."""
    written = rows.set_column(rows.column_names.index("ds"), "ds", pc.cast(rows["ds"], pa.string()))
    for row in (written.drop_columns(["series_id"]) if alone else written).to_pylist():
        yield pb.ForecastPoint(
            **{name: value for name, value in row.items() if isinstance(value, str) or isfinite(value)}
        )


def history(panel: Panel, most: int, alone: bool) -> Iterable[pb.ForecastHistory]:
    """Yield the last observations of each series."""
    for at, name in enumerate(panel.ids):
        values = panel.series(at)[-most:]
        days = panel.frequency.first_days(panel.ends[at] - len(values) + np.arange(len(values)))
        for ds, y in zip(days.astype(str).tolist(), values.tolist(), strict=True):
            yield pb.ForecastHistory(series_id="" if alone else name, ds=ds, y=y if isfinite(y) else None)


def choice_message(choice: Choice, made: Made, at: int, alone: bool) -> pb.ForecastChoice:
    """Return what is to be said of one series."""
    parts = made.forecast.components
    return pb.ForecastChoice(
        series_id="" if alone else choice.series_id,
        model=choice.model,
        why=choice.why,
        intervals=choice.intervals,
        told=choice.told,
        metrics=pb.ForecastFigures(**choice.figures) if choice.figures else None,
        components=[
            pb.ForecastComponent(name=name, values=values[at].tolist())
            for name, values in parts.items()
            if values[at].any()
        ],
        explained=choice.explained,
        effects=[
            pb.ForecastEffect(name=one.name, total=one.total, per_unit=one.per_unit, share_pct=one.share_pct)
            for one in choice.effects
        ],
    )


def compare_response(
    found: Comparison, lineage: table_pb2.Lineage | None, notes: Iterable[str]
) -> pb.CompareModelsResponse:
    """Return the league table."""
    return pb.CompareModelsResponse(
        models=map(score_message, found.scores),
        chosen=found.chosen,
        why=found.why,
        notes=[*notes, *found.notes],
        series_count=found.series,
        origins=found.origins,
        horizon=found.horizon,
        lineage=lineage,
    )


def score_message(score: Score) -> pb.ModelScore:
    """Return one line of the league table."""
    return pb.ModelScore(
        model=score.model,
        title=score.title,
        metrics=pb.ForecastFigures(**score.figures) if score.figures else None,
        seconds=score.seconds,
        worse_than_naive_pct=score.worse_than_naive_pct,
        note=score.note,
    )


def model_message(model: ModelVersion, aliases: Mapping[str, str]) -> pb.RegisteredModel:
    """Return one version; `aliases` are those of its model, alias → version."""
    message = pb.RegisteredModel(
        name=model.name,
        version=model.version,
        aliases=sorted(alias for alias, version in aliases.items() if version == model.version),
        metrics=model.metrics,
        lake_versions=model.lake_versions,
        code_version=model.code_version,
    )
    message.registered_at.FromDatetime(datetime.fromisoformat(model.registered_at))
    return message


def move_message(move: Move) -> pb.ModelMove:
    """Return one move of an alias."""
    message = pb.ModelMove(
        model=move.model, alias=move.alias, version=move.version, previous=move.previous, because=move.because
    )
    message.at.FromDatetime(move.at)
    return message
