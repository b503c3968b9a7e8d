"""The example of the docs, registered while two gateways run: served by both, documented by both, and gone again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from tests.integration.registered.processes import Stack, running
from tests.waiting import eventually, free_port

TODAY, TEMPLATE = "/weather/cities/Oslo/today", "/api/v1/weather/cities/{city}/today"
LISTED = {
    "name": "weather",
    "title": "Weather",
    "prefix": "weather",
    "zone": "weather",
    "description": "",
    "status": "up",
    "registered": True,
}


class Weather(NamedTuple):
    """The example's process, and where it listens."""

    port: int
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("registered")) as made:
        yield made


def problem(response: httpx.Response, status: int, reason: str) -> dict[str, object]:
    assert (response.status_code, response.json()["reason"]) == (status, reason), response.text
    return dict(response.json())


@pytest.fixture
def weather(stack: Stack) -> Iterator[Weather]:
    """Give the system, registered and served by both gateways."""
    port = free_port()
    process = stack.weather(port)
    made = stack.register(port)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == "/api/v1/systems/weather"
    eventually(lambda: stack.call("GET", TODAY, gateway=1).status_code == 200, 5)
    yield Weather(port, process)
    stack.call("DELETE", "/systems/weather", "admin")
    process.kill()
    process.wait()


def test_it_comes_at_once_where_it_was_registered_and_is_documented_and_listed_everywhere(stack: Stack) -> None:
    port = free_port()
    stack.weather(port)
    assert stack.call("GET", TODAY).status_code == 404
    assert stack.register(port).status_code == 201
    assert stack.call("GET", TODAY).json()["temperature_mean"] == -3.25
    eventually(lambda: stack.call("GET", TODAY, gateway=1).status_code == 200, 5)
    for gateway in (0, 1):
        assert TEMPLATE in stack.gateways[gateway].get("/openapi.json").json()["paths"]
        listed = stack.call("GET", "/systems", gateway=gateway).json()
        assert [one for one in listed["items"] if one["registered"]] == [LISTED]
    assert stack.call("DELETE", "/systems/weather", "admin").status_code == 204


def test_its_tables_are_asked_as_any_systems_are_and_stand_in_the_catalogue(stack: Stack, weather: Weather) -> None:
    for gateway in (0, 1):
        tables = stack.call("GET", "/analytics/weather/tables", gateway=gateway).json()
        assert [one["name"] for one in tables["items"]] == ["days"]
        asked = {"table": "days", "filters": "mean < 0"}
        rows = stack.call("GET", "/analytics/weather/query", gateway=gateway, params=asked)
        assert rows.json()["items"] == [{"city": "Oslo", "mean": -3.25}]
        for whole in ({"headers": {"Accept": "text/csv"}}, {"params": asked | {"export": "csv"}}):
            csv = stack.call("GET", "/analytics/weather/query", **{"params": asked, **whole})
            assert csv.text.splitlines()[1] == "Oslo,-3.25"
    catalogue = json.loads((stack.var_dir / "lake" / "prod" / "weather" / "_catalogue.json").read_text())
    assert [one["name"] for one in catalogue["tables"]] == ["days"]


def test_its_own_refusal_comes_through_and_who_may_not_read_it_does_not(stack: Stack, weather: Weather) -> None:
    problem(stack.call("GET", "/weather/cities/Atlantis/today"), 404, "UNKNOWN_CITY")
    problem(stack.call("GET", TODAY, "investigator"), 403, "PERMISSION_MISSING")
    problem(stack.call("GET", "/analytics/weather/tables", "investigator"), 403, "PERMISSION_MISSING")
    assert stack.gateways[0].get(TODAY).status_code == 401
    # Where it is, only those who run the platform are told.
    assert "address" not in stack.call("GET", "/systems/weather").json()
    assert stack.call("GET", "/systems/weather", "admin").json()["address"] == f"127.0.0.1:{weather.port}"


def test_its_name_and_its_prefix_are_taken(stack: Stack, weather: Weather) -> None:
    problem(stack.register(weather.port), 409, "SYSTEM_EXISTS")
    problem(stack.register(weather.port, name="climate"), 409, "SYSTEM_EXISTS")


def test_it_fails_alone_and_is_found_again(stack: Stack, weather: Weather) -> None:
    weather.process.kill()
    weather.process.wait()
    down = problem(stack.call("GET", TODAY), 503, "SERVICE_UNAVAILABLE")
    assert down["metadata"] == {"service": "weather"}
    assert stack.call("GET", "/auth/me").status_code == 200
    status = {one["name"]: one["status"] for one in stack.call("GET", "/systems").json()["items"]}
    assert status["weather"] == "down"
    stack.weather(weather.port)
    eventually(lambda: stack.call("GET", TODAY).status_code == 200, 20)


def test_it_goes_from_every_gateway(stack: Stack, weather: Weather) -> None:
    problem(stack.call("DELETE", "/systems/weather"), 403, "PERMISSION_MISSING")
    assert stack.call("DELETE", "/systems/weather", "admin", gateway=1).status_code == 204
    problem(stack.call("GET", TODAY, gateway=1), 404, "UNKNOWN_PATH")
    eventually(lambda: stack.call("GET", TODAY).status_code == 404, 5)
    problem(stack.call("GET", "/analytics/weather/tables"), 404, "UNKNOWN_SYSTEM")
    assert TEMPLATE not in stack.gateways[0].get("/openapi.json").json()["paths"]
    problem(stack.call("DELETE", "/systems/weather", "admin"), 404, "SYSTEM_NOT_FOUND")


def test_a_gateway_that_starts_later_has_it_from_its_first_answer_on(stack: Stack, weather: Weather) -> None:
    stack.gateway()
    assert stack.call("GET", TODAY, gateway=2).status_code == 200
