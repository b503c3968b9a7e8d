"""Forecasts and comparisons, here at once or in a process of their own (`begun` by shared.operations)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from protos.common.v1 import table_pb2
from protos.market_intel.v1 import forecasting_pb2 as pb
from services.market_intel import messages
from services.market_intel.ask import AUTO
from services.market_intel.body import Asked, read
from services.market_intel.compare import compare
from services.market_intel.forecasting.panel import Panel
from services.market_intel.forecasts import Progress, effort_of, entry, forecast
from services.market_intel.kept import CHOICES, FORECAST, Kept
from services.market_intel.sales import sales
from shared import principal
from shared.lake import Lake, Zones
from shared.settings import storage_options
from shared.table_message import lineage_of
from shared.transcode.encode import Encoders

AT_ONCE_SERIES, AT_ONCE_POINTS = 20, 20_000
"""What is answered within the service itself takes a moment; more goes to a process of its own."""
MOST_RESULT_BYTES = 900_000
"""Less than an operation may carry, as its own words come on top."""
READING, WRITING = 5.0, 95.0

Work = Callable[[Progress, Mapping[str, Any]], dict[str, Any]]


def is_quick(asked: Asked, panel: Panel) -> bool:
    """Return whether a forecast takes no more than a moment."""
    if len(panel) > AT_ONCE_SERIES or len(panel.values) > AT_ONCE_POINTS:
        return False
    ask = asked.ask
    return effort_of(ask, len(panel)) == "cheap" if ask.model == AUTO else entry(ask.model).cost == "cheap"


def series(asked: Asked, lake: Lake) -> tuple[Panel, table_pb2.Lineage | None, tuple[str, ...]]:
    """Return the series that came along, or those of the shop as the caller may see them, with lineage and notes."""
    if asked.given is not None:
        return asked.panel(), None, ()
    found = sales(lake, principal.current.get(), asked.ask)
    return asked.with_known(found.panel), lineage_of(found.reading.snapshot, found.reading.data), found.notes


def do_forecast(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a kept ask as JSON has it; all rows of it are kept under the ask's id."""
    kept, forecast_id = Kept(arguments["kept"], storage_options(os.environ)), arguments["id"]
    with kept.worked_on(forecast_id) as body:
        asked = read(body)
        progress(0, "reading the series")
        panel, lineage, notes = series(asked, lake_of(arguments))
        made = forecast(asked.ask, panel, within(progress), pretrained_of(arguments))
        progress(WRITING, "keeping the forecast")
        rows = messages.forecast_rows(made)
        kept.put(forecast_id, {FORECAST: rows, CHOICES: messages.choice_rows(made)})
    return fitting(messages.forecast_response(made, rows, lineage, notes, forecast_id))


def do_compare(progress: Progress, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the league table of a kept ask as JSON has it."""
    kept = Kept(arguments["kept"], storage_options(os.environ))
    with kept.worked_on(arguments["id"]) as body:
        asked = read(body)
        progress(0, "reading the series")
        panel, lineage, notes = series(asked, lake_of(arguments))
        found = compare(asked.ask, panel, within(progress), pretrained_of(arguments))
        kept.put(arguments["id"], {})
    return as_json(messages.compare_response(found, lineage, notes))


def pretrained_of(arguments: Mapping[str, Any]) -> Path | None:
    """Return the folder of the pretrained model, None where none is set up."""
    return Path(arguments["pretrained"]) if arguments.get("pretrained") else None


def lake_of(arguments: Mapping[str, Any]) -> Lake:
    """Return the lake whose zones the service named; how it is reached stands in the environment of both."""
    return Lake(Zones(arguments["zones"]), storage_options(os.environ))


def within(progress: Progress) -> Progress:
    """Return what tells the share of the work between reading and writing."""
    return lambda share, phrase: progress(READING + share * (WRITING - READING) / 100, phrase)


def as_json(message: Any) -> dict[str, Any]:
    """Return a message in the platform's JSON form, without the operation that it is the result of."""
    found: dict[str, Any] = Encoders().message(message.DESCRIPTOR)(message)
    return found


def fitting(response: pb.ForecastResponse) -> dict[str, Any]:
    """Return an answer as JSON, without what would make it longer than an operation may carry."""
    for leave_out in ("", "history", "forecast", "chosen"):
        if leave_out:
            response.ClearField(leave_out)
        found = as_json(response)
        if len(orjson.dumps(found)) <= MOST_RESULT_BYTES:
            break
    return found
