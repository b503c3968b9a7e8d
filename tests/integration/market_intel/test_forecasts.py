"""Forecasts over the gateway: at once, as operations, kept for whoever asked, and every bad input answered."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import threading
import uuid
from typing import Any

import pytest

from services.market_intel import servicer
from shared.operations.operation import Operation
from shared.operations.operations import Operations
from shared.operations.store import QueueFull
from shared.transcode.tables import ARROW, XLSX
from tests.integration.market_intel.conftest import Served

DAY_ONE = dt.date(2024, 1, 1)


def series(count: int = 120, of: Any = None, name: str = "") -> list[dict[str, Any]]:
    """Return observations of days with a week in them, of one series."""
    value = of or (lambda n: 100 + 0.1 * n + 20 * (n % 7 == 5))
    named = {"series_id": name} if name else {}
    return [{"ds": (DAY_ONE + dt.timedelta(days=n)).isoformat(), "y": value(n), **named} for n in range(count)]


def whole(answer: dict[str, Any], rows: int) -> None:
    """Refuse an answer that says less than it should, or nonsense."""
    assert answer["row_count"] == rows == len(answer["forecast"])
    for row in answer["forecast"]:
        assert {"ds", "mean", "median", "lower_80", "upper_80", "lower_95", "upper_95"} <= row.keys()
        assert row["lower_95"] <= row["lower_80"] <= row["median"] <= row["upper_80"] <= row["upper_95"]
    assert len(answer["chosen"]) == answer["series_count"]
    assert all(one["model"] and one["why"] and one["intervals"] for one in answer["chosen"])


async def test_a_metric_of_the_shop_is_forecast_at_once_with_its_reason_and_lineage(served: Served):
    response = await served.forecast({"metric": "revenue", "horizon_days": 14})
    assert response.status_code == 200, response.text
    answer = response.json()
    assert "operation" not in answer
    whole(answer, 14)
    assert [row["ds"] for row in answer["forecast"]][:2] == ["2017-06-30", "2017-07-01"]
    by_day = {row["ds"]: row["median"] for row in answer["forecast"]}
    assert by_day["2017-07-01"] == pytest.approx(126, rel=0.1)  # a Saturday
    assert by_day["2017-06-30"] == pytest.approx(63, rel=0.1)
    assert answer["lineage"]["table"] == "market_intel.revenue_daily"
    assert answer["lineage"]["data_through_on"] == "2017-06-29"
    assert answer["history"][-1] == {"series_id": "", "ds": "2017-06-29", "y": 63.0}
    assert answer["chosen"][0]["metrics"]["mae"] < 5
    assert (
        "mase" not in answer["chosen"][0]["metrics"]
    )  # last week comes again to the cent: nothing to be a multiple of
    assert answer["chosen"][0]["metrics"]["mape"] < 10


async def test_forecasts_that_would_wait_too_long_for_their_turn_are_shed_and_nothing_else_is(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    begun, may_go_on, make = threading.Event(), threading.Event(), servicer.forecast

    def slow(*given: Any) -> Any:
        begun.set()
        assert may_go_on.wait(60)
        return make(*given)

    monkeypatch.setattr(servicer, "forecast", slow)
    monkeypatch.setattr(servicer, "TURN_SECONDS", 0.05)
    ask = {"series": series(), "horizon_days": 7}
    first = asyncio.create_task(served.forecast(ask))
    assert await asyncio.to_thread(begun.wait, 60)
    refused = await asyncio.gather(*(served.forecast(ask) for _ in range(30)))
    told = {(one.status_code, one.json()["reason"], one.headers["retry-after"]) for one in refused}
    assert told == {(503, "OVERLOADED", str(servicer.RETRY_SECONDS))}
    assert (await served.ask("GET", "forecasts", params={"metric": "revenue"})).status_code == 200, (
        "the service is not taken for one that is away"
    )
    may_go_on.set()
    assert (await first).status_code == 200
    assert (await served.forecast(ask)).status_code == 200


async def test_series_of_ones_own_are_forecast_together(served: Served):
    body = {"series": [*series(name="a"), *series(name="b", of=lambda n: 7)], "horizon": 5, "levels": [80]}
    answer = (await served.forecast(body)).json()
    assert answer["row_count"] == 10 and answer["series_count"] == 2
    assert [row["series_id"] for row in answer["forecast"]] == ["a"] * 5 + ["b"] * 5
    assert all("lower_80" in row and "lower_95" not in row for row in answer["forecast"])
    assert [row["mean"] for row in answer["forecast"][5:]] == pytest.approx([7] * 5)
    assert "lineage" not in answer


ANSWERED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "one day": (series(1), ""),
    "three days": (series(3), ""),
    "constant": (series(60, lambda n: 5), ""),
    "all zero": (series(60, lambda n: 0), ""),
    "gappy": (series(60)[::3], "had no observation"),
    "unsorted": (series(60)[::-1], ""),
    "unknown values": (series(60, lambda n: None if n % 9 == 4 else n), "had no observation"),
    "negative": (series(60, lambda n: -100 + n), ""),
    "huge": (series(60, lambda n: 1e12 + 1e9 * n), ""),
    "tiny": (series(60, lambda n: 1e-9 * (n + 1)), ""),
    "mostly zero": (series(120, lambda n: 3 if n % 11 == 0 else 0), ""),
    "a jump": (series(60, lambda n: 1 if n < 59 else 1e9), ""),
}


@pytest.mark.parametrize("given, note", ANSWERED.values(), ids=ANSWERED)
async def test_a_hard_series_has_an_answer(served: Served, given: list[dict[str, Any]], note: str):
    response = await served.forecast({"series": given, "horizon": 7})
    assert response.status_code == 200, response.text
    whole(response.json(), 7)
    assert note in " ".join(response.json()["notes"])
    largest = max(abs(one["y"] or 0) for one in given)
    assert all(abs(row["mean"]) <= 10 * largest for row in response.json()["forecast"])
    if all((one["y"] or 0) >= 0 for one in given):
        assert all(row["lower_95"] >= 0 for row in response.json()["forecast"])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "duplicated": ({"series": [*series(9), series(9)[4]]}, "INVALID_SERIES"),
    "infinite": ({"series": series(9, lambda n: 1e300)}, "INVALID_SERIES"),
    "no day": ({"series": [{"y": 3}]}, "INVALID_SERIES"),
    "empty": ({"series": []}, "INVALID_SERIES"),
    "beyond reason": ({"series": series(9), "horizon": 100_000}, "HORIZON_TOO_LONG"),
    "unknown filter": ({"metric": "revenue", "filters": {"colour": "red"}}, "UNKNOWN_FILTER"),
    "empty selection": ({"metric": "revenue", "filters": {"region": "Atlantis"}}, "EMPTY_SELECTION"),
    "empty category": ({"metric": "units", "filters": {"category": "boats"}}, "EMPTY_SELECTION"),
    "unknown model": ({"metric": "revenue", "model": "oracle"}, "INVALID_ARGUMENT"),
    "regressor that ends too soon": (
        {"series": series(9), "horizon": 2, "regressors": [{"ds": "2024-01-01", "price": 1}]},
        "INVALID_REGRESSORS",
    ),
}


@pytest.mark.parametrize("body, reason", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("path", ["forecast", "compare-models"])
async def test_what_cannot_be_forecast_is_refused_with_a_reason(
    served: Served, body: dict[str, Any], reason: str, path: str
):
    response = await served.forecast(body, path)
    if response.status_code == 200 or response.status_code == 202:
        # What only a look into the lake can tell, the operation tells.
        assert (await served.done(response))["error"]["reason"] == reason
        return
    assert response.status_code == 400, response.text
    assert response.json()["reason"] == reason
    assert response.json()["detail"]


async def test_nan_is_no_json(served: Served):
    headers = {"Content-Type": "application/json"}
    body = b'{"series": [{"ds": "2024-01-01", "y": NaN}]}'
    response = await served.ask("POST", "forecast", content=body, headers=headers)
    assert (response.status_code, response.json()["reason"]) == (400, "MALFORMED_BODY")
    assert "send null" in response.json()["detail"]


async def test_many_series_are_an_operation_whose_rows_are_kept_for_whoever_asked(served: Served):
    names = [f"s{n:03}" for n in range(120)]
    rows = [row for name in names for row in series(30, name=name)]
    response = await served.forecast({"series": rows, "horizon": 28, "effort": "cheap"})
    operation = await served.done(response)
    result = operation["result"]
    assert (result["series_count"], result["row_count"]) == (120, 120 * 28)
    assert result["forecast"] == [] and len(result["chosen"]) == 120
    path = f"forecasts/{result['forecast_id']}"
    first = (await served.ask("GET", path, params={"page_size": 1000})).json()
    assert first["total_size"] == 120 * 28 and len(first["items"]) == 1000
    last = (await served.ask("GET", path, params={"page_size": 1000, "page_token": first["next_page_token"]})).json()
    assert first["items"][-1]["series_id"] < last["items"][-1]["series_id"]
    assert {column["name"] for column in first["columns"]} >= {"series_id", "ds", "mean", "upper_95"}
    choices = (await served.ask("GET", f"{path}/choices", params={"page_size": 1000})).json()
    assert [one["series_id"] for one in choices["items"]] == names
    csv = await served.ask("GET", path, headers={"Accept": "text/csv"})
    assert csv.text.splitlines()[0].startswith("series_id,ds,mean")
    for other in ({"who": "bob"}, {"who": "bob", "role": "admin"}, {"regions": ["CA"]}):
        refused = await served.ask("GET", path, **other)
        assert (refused.status_code, refused.json()["reason"]) == (404, "FORECAST_NOT_FOUND")
    withheld = (await served.ask("GET", f"/api/v1/operations/{operation['name']}", regions=["CA"])).json()["operation"]
    assert withheld["error"]["reason"] == "OPERATION_RESULT_WITHHELD" and "result" not in withheld
    assert not list((served.settings.var_dir / "market_intel" / "forecasts").rglob("asked.json"))


KINDS = {"text/csv": b"series_id,ds,mean", ARROW: b"\xff\xff\xff\xff", XLSX: b"PK\x03\x04"}


@pytest.mark.parametrize(("kind", "begins"), KINDS.items(), ids=["csv", "arrow", "xlsx"])
async def test_what_was_answered_at_once_is_a_file_too(served: Served, kind: str, begins: bytes):
    response = await served.forecast({"series": series(60), "horizon": 9})
    assert response.status_code == 200 and len(response.json()["forecast"]) == 9
    path = f"forecasts/{response.json()['forecast_id']}"
    file = await served.ask("GET", path, headers={"Accept": kind})
    assert file.status_code == 200 and file.headers["content-type"].startswith(kind)
    assert file.headers["x-total-count"] == "9" and file.content.startswith(begins)
    choices = (await served.ask("GET", f"{path}/choices")).json()["items"]
    assert [one["model"] for one in choices] == [response.json()["chosen"][0]["model"]]
    assert (await served.ask("GET", path, who="bob")).status_code == 404


async def test_a_forecast_that_cannot_be_kept_is_answered_all_the_same(served: Served):
    served.settings.var_dir.joinpath("market_intel").mkdir(exist_ok=True)
    served.settings.var_dir.joinpath("market_intel", "forecasts").write_text("in the way")
    answer = (await served.forecast({"series": series(60), "horizon": 9})).json()
    assert len(answer["forecast"]) == 9 and answer["forecast_id"] == ""


@pytest.mark.parametrize("forecast_id", ["x", "..", "20240101T000000-0123456789abcdef", "%2e%2e%2foperations.db"])
async def test_there_is_no_forecast_by_any_other_name(served: Served, forecast_id: str):
    response = await served.ask("GET", f"forecasts/{forecast_id}")
    assert response.status_code == 404


async def test_a_product_is_forecast_from_the_lines_of_its_orders(served: Served):
    response = await served.forecast({"metric": "units", "filters": {"product": "bear"}, "horizon": 3})
    result = (await served.done(response))["result"]
    whole(result, 3)
    assert result["forecast"][0]["ds"] == "2017-06-30"
    theirs = await served.forecast({"metric": "units", "filters": {"product": "bear"}}, regions=["nowhere"])
    assert (await served.done(theirs, regions=["nowhere"]))["error"]["reason"] == "EMPTY_SELECTION"


async def test_a_bound_caller_gets_their_own_regions_alone(served: Served):
    answer = (await served.forecast({"metric": "orders", "horizon": 7}, regions=["NY"])).json()
    assert {row["y"] for row in answer["history"]} == {3, 6}
    for now, status in ((["NY"], 200), (["CA", "NY"], 200), (None, 200), (["CA"], 404), ([], 404)):
        kept = await served.ask("GET", f"forecasts/{answer['forecast_id']}", regions=now)
        assert kept.status_code == status, now


async def test_models_are_compared_best_first(served: Served):
    body = {"series": series(200), "horizon": 14, "effort": "cheap"}
    result = (await served.done(await served.forecast(body, "compare-models")))["result"]
    tried = [one for one in result["models"] if "metrics" in one]
    assert {"auto", "seasonal_naive", "ets", "theta"} <= {one["model"] for one in tried}
    baseline = next(one for one in tried if one["model"] == "seasonal_naive")
    assert baseline["worse_than_naive_pct"] == 0
    assert [one["metrics"]["mase"] for one in tried] == sorted(one["metrics"]["mase"] for one in tried)
    assert all(one["seconds"] > 0 and one["title"] for one in tried)
    assert result["why"] and result["origins"] >= 3 and result["horizon"] == 14


async def test_an_operation_whose_answer_was_lost_is_listed_and_is_had_again_by_its_key(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    begin = Operations.begin

    async def without_a_word(*args: Any, **kwargs: Any) -> Operation:
        await begin(*args, **kwargs)
        return await asyncio.get_running_loop().create_future()

    body = {"series": series(60), "horizon": 3, "effort": "cheap"}
    key = {"Idempotency-Key": str(uuid.uuid4()), "X-Request-Timeout": "1"}
    monkeypatch.setattr(Operations, "begin", without_a_word)
    lost = await served.forecast(body, "compare-models", headers=key)
    assert (lost.status_code, lost.json()["reason"]) == (504, "DEADLINE_EXCEEDED")
    monkeypatch.undo()
    listed = (await served.ask("GET", "/api/v1/operations")).json()["items"]
    again = await served.forecast(body, "compare-models", headers=key)
    assert again.status_code in (200, 202), again.text
    assert [one["name"] for one in listed] == [again.json()["operation"]["name"]]
    assert (await served.done(again))["result"]["chosen"]
    # Its key is not another's, nor one for another comparison.
    other = await served.forecast(body, "compare-models", who="bob", headers=key)
    assert other.json()["operation"]["name"] != listed[0]["name"]
    changed = await served.forecast({**body, "horizon": 4}, "compare-models", headers=key)
    assert (changed.status_code, changed.json()["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize("model", ["seasonal_naive", "moving_average", "ets", "theta", "intermittent", "regression"])
async def test_a_model_that_is_named_is_the_one_that_forecasts(served: Served, model: str):
    answer = (await served.forecast({"series": series(200), "horizon": 7, "model": model})).json()
    whole(answer, 7)
    assert answer["chosen"][0]["model"] == model


async def test_nothing_stays_of_an_ask_that_failed_or_that_nobody_will_work_on(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    kept = served.settings.kept_uri
    product = {"metric": "units", "filters": {"product": "none such"}}
    operation = await served.done(await served.forecast(product))
    assert operation["error"]["reason"] == "EMPTY_SELECTION"
    assert not os.listdir(kept)  # noqa: PTH208  a folder of a test
    monkeypatch.setattr(Operations, "begin", refuses)
    assert (await served.forecast(product)).json()["reason"] == "OPERATIONS_QUEUE_FULL"
    assert not os.listdir(kept)  # noqa: PTH208  a folder of a test


async def refuses(*_: object, **__: object) -> None:
    raise QueueFull("enough waits")


async def test_work_can_be_ended_and_tells_how_far_it_is(served: Served):
    rows = [row for n in range(400) for row in series(400, name=f"s{n}", of=lambda d, n=n: d % 7 + n)]
    response = await served.forecast({"series": rows, "horizon": 28})
    assert response.status_code == 202 and response.headers["location"].startswith("/api/v1/operations/market_intel/")
    name = response.json()["operation"]["name"]
    ended = (await served.ask("DELETE", f"/api/v1/operations/{name}")).json()["operation"]
    assert ended["error"]["reason"] == "OPERATION_CANCELLED"


async def test_the_systems_own_forecast_is_the_same_work(served: Served):
    body = {"parameters": {"metric": "orders", "horizon": 7, "filters": {"channel": "online"}}}
    response = await served.ask("POST", "/api/v1/analytics/market_intel/forecast", json=body)
    result = (await served.done(response))["result"]
    whole(result, 7)
    wrong = await served.ask("POST", "/api/v1/analytics/market_intel/forecast", json={"parameters": {"metric": "x"}})
    assert wrong.status_code == 400


@pytest.mark.parametrize(
    "verb, path, role",
    [("POST", "forecast", "viewer"), ("POST", "compare-models", "viewer"), ("GET", "models", "investigator")],
)
async def test_who_may_not_is_turned_away(served: Served, verb: str, path: str, role: str):
    response = await served.ask(verb, path, role=role, **({"json": {"metric": "revenue"}} if verb == "POST" else {}))
    assert (response.status_code, response.json()["reason"]) == (403, "PERMISSION_MISSING")


async def test_components_add_up_to_the_forecast(served: Served):
    answer = (await served.forecast({"series": series(200), "horizon": 7, "components": True})).json()
    parts = {part["name"]: part["values"] for part in answer["chosen"][0]["components"]}
    assert {"trend", "season"} <= parts.keys()
    sums = [sum(values) for values in zip(*parts.values(), strict=True)]
    assert sums == pytest.approx([row["mean"] for row in answer["forecast"]])
    assert "regression by its own terms" in answer["chosen"][0]["explained"]
    smoothed = (await served.forecast({"series": series(200), "horizon": 7, "components": True, "model": "ets"})).json()
    assert "without parts of their own" in smoothed["chosen"][0]["explained"]


async def test_what_a_regressor_does_is_told_beside_the_forecast(served: Served):
    promoted = [int(n % 9 in (2, 3)) for n in range(207)]
    beside = [{"ds": (DAY_ONE + dt.timedelta(days=n)).isoformat(), "promo": one} for n, one in enumerate(promoted)]
    names = [f"s{n}" for n in range(4)]
    given = [row for name in names for row in series(200, lambda n: 100 + 3 * (n % 7) + 50 * promoted[n], name)]
    body = {"series": given, "horizon": 7, "regressors": beside, "model": "gbm", "components": True}
    answer = (await served.done(await served.forecast(body)))["result"]
    assert [one["series_id"] for one in answer["chosen"]] == names
    for chosen in answer["chosen"]:
        (effect,) = chosen["effects"]
        assert effect["name"] == "promo" and effect["per_unit"] > 20
        assert chosen["explained"] == "100 % gbm by SHAP values of its trees"


async def test_what_is_known_ahead_and_used_by_no_model_is_said(served: Served):
    beside = [{"ds": (DAY_ONE + dt.timedelta(days=n)).isoformat(), "price": n} for n in range(130)]
    body = {"series": series(120), "horizon": 7, "regressors": beside, "country": "US"}
    assert not (await served.forecast(body)).json()["notes"], "the automatic choice has a model that uses them"
    notes = " ".join((await served.forecast({**body, "model": "ets"})).json()["notes"])
    assert "price, holiday, holiday_eve, holiday_morrow made no difference" in notes
    refused = await served.forecast({**body, "country": "XX"})
    assert refused.json()["reason"] == "UNKNOWN_COUNTRY"


async def test_what_the_pipeline_forecasts_is_read_by_metric_level_and_day(served: Served):
    asked = {"metric": "revenue", "frequency": "day", "level": "total", "from": "2017-07-01", "to": "2017-07-03"}
    answer = (await served.ask("GET", "forecasts", role="viewer", params=asked)).json()
    assert [(row["ds"], row["mean"]) for row in answer["items"]] == [
        ("2017-07-01", 20.0),
        ("2017-07-02", 30.0),
        ("2017-07-03", 40.0),
    ]
    assert answer["lineage"]["model_version"] == "1.0.0"
    whole_list = (await served.ask("GET", "forecasts", params={"page_size": 1000})).json()
    assert whole_list["total_size"] == 56


@pytest.mark.parametrize("path", ["forecasts", "/api/v1/analytics/market_intel/query?table=forecasts"])
async def test_a_bound_caller_reads_no_forecast_of_another_region_or_of_the_whole(served: Served, path: str):
    items = (await served.ask("GET", path, regions=["CA"])).json()["items"]
    assert {(row["level"], row["series_id"]) for row in items} == {("region", "CA")}
