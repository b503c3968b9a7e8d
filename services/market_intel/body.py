"""The JSON body of a forecast or a comparison → what is asked for and what came along with it.

Series and regressors go straight into arrays; the rest is validated and decoded as the contract says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from protos.market_intel.v1 import forecasting_pb2
from services.market_intel.ask import LEVELS, Ask, Filters, Metric, MetricOrSeries, UnknownLevel, periods_ahead
from services.market_intel.forecasting.choose import Effort
from services.market_intel.forecasting.holidays import holiday_regressors
from services.market_intel.forecasting.panel import Panel, Regressors
from services.market_intel.forecasting.periods import FREQUENCIES
from services.market_intel.forecasting.regressors import joined, regressors_of
from services.market_intel.observations import Known, Observations, known, observations
from shared.errors import FieldError, InvalidArgument
from shared.transcode.decode import Decoders
from shared.transcode.json_object import object_in
from shared.transcode.request import validated
from shared.transcode.validate import validator

ASK: Any = forecasting_pb2.ForecastAsk.DESCRIPTOR
EXACT = 2**53
"""Whole numbers up to here are themselves as floats; a larger one is no count, and may be too large for JSON."""
GAPS = {"zero": 0.0, "unknown": float("nan")}


class UnknownFilter(InvalidArgument):
    """A filter that the metrics have not."""

    reason = "UNKNOWN_FILTER"


@dataclass(frozen=True)
class Asked:
    """What a body holds. `given` None: the series of the shop are meant."""

    ask: Ask
    given: Observations | None
    known: Known | None

    def panel(self) -> Panel:
        """Return the series that came along, with their regressors. Raises InvalidSeries, InvalidRegressors."""
        if self.given is None:
            raise ValueError("no series came along")
        return self.with_known(self.given.panel(self.ask.frequency, self.ask.gaps))

    def with_known(self, panel: Panel) -> Panel:
        """Return a panel with what is known ahead of it: what came along, and the holidays of a country.

        Raises InvalidRegressors, UnknownCountry.
        """
        found: list[Regressors] = []
        if self.known is not None:
            known = self.known
            found.append(regressors_of(panel, self.ask.horizon, known.days, known.columns, known.ids))
        if self.ask.country:
            found.append(holiday_regressors(panel, self.ask.horizon, self.ask.country))
        return panel.with_regressors(joined(*found)) if found else panel


def read(body: bytes) -> Asked:
    """Return what a body asks for.

    Raises: MalformedBody, InvalidArgument naming each wrong field, UnknownFilter, InvalidSeries, InvalidRegressors,
        HorizonTooLong.
    """
    found = object_in(body)
    rows, beside = found.pop("series", None), found.pop("regressors", None)
    refuse_unknown_filters(found.get("filters"))
    message = forecasting_pb2.ForecastAsk()
    decoder()(validated(checker(), found, told=True), message)
    if bool(message.metric) == (rows is not None):
        detail = "give a metric or series: one of them says what to forecast, and not both"
        raise MetricOrSeries(detail, errors=[FieldError("metric", detail)])
    if rows is not None and any(vars(filters_of(message.filters)).values()):
        detail = (
            "filters choose a part of the shop; series that are sent are forecast as they are: leave the filters out"
        )
        raise MetricOrSeries(detail, errors=[FieldError("filters", detail)])
    given = None if rows is None else observations(rows)
    return Asked(ask_of(message), given, known(beside))


def of_struct(parameters: Struct) -> bytes:
    """Return the body that says what a free form of parameters says; whole numbers come as such."""
    return orjson.dumps(whole(MessageToDict(parameters)))


def whole(value: Any) -> Any:
    """Return a value whose numbers without a fraction are integers: a Struct knows but one kind."""
    if isinstance(value, dict):
        return {name: whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT else value


def refuse_unknown_filters(filters: Any) -> None:
    """Raise UnknownFilter for a condition on what the metrics cannot be cut by."""
    there = [field.name for field in forecasting_pb2.ForecastFilters.DESCRIPTOR.fields]
    unknown = [name for name in filters if name not in there] if isinstance(filters, dict) else []
    if unknown:
        detail = f"there is no filter {unknown[0][:40]!r}; there are {', '.join(there)}"
        raise UnknownFilter(detail, errors=[FieldError(f"filters.{unknown[0][:40]}", detail)])


def ask_of(message: forecasting_pb2.ForecastAsk) -> Ask:
    """Return the ask of a validated message. Raises HorizonTooLong, InvalidArgument."""
    frequency = FREQUENCIES[message.frequency]
    levels = tuple(sorted(set(message.levels))) or LEVELS
    if not set(levels) <= set(LEVELS):
        detail = f"there are intervals of {' and '.join(map(str, LEVELS))} %, and no others"
        raise UnknownLevel(detail, errors=[FieldError("levels", detail)])
    days = message.horizon_days if message.HasField("horizon_days") else None
    periods = message.horizon if message.HasField("horizon") else None
    return Ask(
        frequency,
        periods_ahead(frequency, days, periods),
        cast(Metric, message.metric),
        filters_of(message.filters),
        message.model,
        levels,
        cast(Effort | None, message.effort or None),
        GAPS[message.gaps],
        message.country.upper(),
        message.components,
    )


def filters_of(message: forecasting_pb2.ForecastFilters) -> Filters:
    """Return the conditions of a message."""
    return Filters(message.category, message.product, message.region, message.channel, message.country)


@cache
def checker() -> Any:
    """Return the validator of the contract, compiled at the first ask."""
    return validator(ASK)


@cache
def decoder() -> Any:
    """Return the decoder of the contract."""
    return Decoders().message(ASK)
