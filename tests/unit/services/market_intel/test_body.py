"""The body of a forecast: every wrong one is refused with a reason of its own."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from google.protobuf.struct_pb2 import Struct

from services.market_intel.ask import Ask, Filters
from services.market_intel.body import of_struct, read
from services.market_intel.forecasting.periods import DAY, MONTH, WEEK
from shared.errors import PlatformError

SERIES = [{"ds": f"2026-01-{day:02}", "y": day} for day in range(1, 29)]


def asked(**body: Any) -> Ask:
    return read(orjson.dumps(body)).ask


def test_a_metric_alone_asks_for_28_days_of_everything():
    assert asked(metric="revenue") == Ask(DAY, 28, "revenue")


def test_everything_that_can_be_said_is_understood():
    filters = {"category": "toys", "region": "CA"}
    found = asked(
        metric="units", filters=filters, horizon=8, frequency="week", model="theta", levels=[80], effort="full",
        gaps="unknown", country="us", components=True,
    )  # fmt: skip
    assert found.gaps != found.gaps
    assert (found.frequency, found.horizon, found.model, found.levels) == (WEEK, 8, "theta", (80,))
    assert (found.filters, found.effort, found.country) == (Filters("toys", region="CA"), "full", "US")
    assert found.components


@pytest.mark.parametrize(
    "frequency, days, periods", [("day", 365, 365), ("week", 1, 1), ("week", 8, 2), ("month", 365, 13), (None, 7, 7)]
)
def test_days_ahead_reach_into_so_many_periods(frequency: str | None, days: int, periods: int):
    more = {"frequency": frequency} if frequency else {}
    assert asked(metric="revenue", horizon_days=days, **more).horizon == periods


def test_periods_count_before_days():
    assert asked(metric="revenue", horizon=3, horizon_days=9).horizon == 3


def test_series_come_with_their_regressors():
    beside = [{"ds": f"2026-0{1 + day // 31}-{day % 31 + 1:02}", "price": day} for day in range(31)]
    found = read(orjson.dumps({"series": SERIES, "horizon": 3, "regressors": beside}))
    panel = found.panel()
    assert panel.regressors is not None
    assert panel.regressors.ahead.tolist() == [[[28.0, 29.0, 30.0]]]


WRONG: dict[str, tuple[bytes, str, str]] = {
    "no JSON": (b'{"metric": ', "MALFORMED_BODY", ""),
    "NaN": (b'{"series": [{"ds": "2026-01-01", "y": NaN}]}', "MALFORMED_BODY", ""),
    "a list": (b"[]", "MALFORMED_BODY", ""),
    "nothing": (b"", "METRIC_OR_SERIES", "metric"),
    "both": (orjson.dumps({"metric": "revenue", "series": SERIES}), "METRIC_OR_SERIES", "metric"),
    "a field there is not": (b'{"metric": "revenue", "seasons": 4}', "INVALID_ARGUMENT", "seasons"),
    "a metric there is not": (b'{"metric": "profit"}', "INVALID_ARGUMENT", "metric"),
    "a model there is not": (b'{"metric": "revenue", "model": "oracle"}', "INVALID_ARGUMENT", "model"),
    "an interval there is not": (b'{"metric": "revenue", "levels": [50]}', "UNKNOWN_LEVEL", "levels"),
    "an unknown filter": (b'{"metric": "revenue", "filters": {"brand": "x"}}', "UNKNOWN_FILTER", "filters.brand"),
    "a filter as a number": (b'{"metric": "revenue", "filters": {"region": 7}}', "INVALID_ARGUMENT", "filters.region"),
    "no horizon": (b'{"metric": "revenue", "horizon_days": 0}', "INVALID_ARGUMENT", "horizon_days"),
    "a horizon of the past": (b'{"metric": "revenue", "horizon": -3}', "INVALID_ARGUMENT", "horizon"),
    "over a year": (b'{"metric": "revenue", "horizon_days": 366}', "HORIZON_TOO_LONG", "horizon_days"),
    "a century": (b'{"metric": "revenue", "horizon": 36500}', "HORIZON_TOO_LONG", "horizon"),
    "over two years of weeks": (
        b'{"metric": "revenue", "horizon": 105, "frequency": "week"}',
        "HORIZON_TOO_LONG",
        "horizon",
    ),
    "no series": (b'{"series": []}', "INVALID_SERIES", "series"),
    "filters for series": (
        orjson.dumps({"series": SERIES, "filters": {"region": "CA"}}),
        "METRIC_OR_SERIES",
        "filters",
    ),
    "null for series": (b'{"series": null}', "METRIC_OR_SERIES", "metric"),
    "regressors of nothing": (b'{"series": [{"ds": "2026-01-01", "y": 1}], "regressors": 7}', "INVALID_REGRESSORS", ""),
}


@pytest.mark.parametrize("body, reason, field", WRONG.values(), ids=WRONG)
def test_a_wrong_body_is_refused(body: bytes, reason: str, field: str):
    with pytest.raises(PlatformError) as refused:
        read(body)
    assert refused.value.error_reason == reason
    assert not field or [one.field for one in refused.value.errors] == [field]


def test_a_regressor_must_be_known_for_every_period_ahead():
    beside = [{"ds": row["ds"], "price": 1} for row in SERIES]
    with pytest.raises(PlatformError, match="2026-01-29, which is to be forecast") as refused:
        read(orjson.dumps({"series": SERIES, "horizon": 3, "regressors": beside})).panel()
    assert refused.value.error_reason == "INVALID_REGRESSORS"


def test_parameters_in_a_free_form_say_the_same():
    parameters = Struct()
    parameters.update({"metric": "orders", "horizon": 3, "frequency": "month", "filters": {"channel": "online"}})
    assert read(of_struct(parameters)).ask == Ask(MONTH, 3, "orders", Filters(channel="online"))


def test_a_number_too_large_to_be_a_count_is_refused_like_any_other():
    parameters = Struct()
    parameters.update({"metric": "orders", "horizon": 9.3e282})
    with pytest.raises(PlatformError, match="horizon"):
        read(of_struct(parameters))
