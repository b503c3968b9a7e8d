"""The example of the docs, registered while two gateways run: served by both, documented by both, and gone again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.integration.registered.processes import Stack, running
from tests.waiting import eventually, free_port

TODAY, TEMPLATE = "/weather/cities/Oslo/today", "/api/v1/weather/cities/{city}/today"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("registered")) as made:
        yield made


def problem(response: httpx.Response, status: int, reason: str) -> dict[str, object]:
    assert (response.status_code, response.json()["reason"]) == (status, reason), response.text
    return dict(response.json())


def test_a_system_comes_answers_fails_alone_and_goes(stack: Stack) -> None:
    port = free_port()
    process = stack.weather(port)
    assert stack.call("GET", TODAY).status_code == 404

    made = stack.register(port)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == "/api/v1/systems/weather"
    # At once where it was registered, within a second at the other.
    assert stack.call("GET", TODAY).json()["temperature_mean"] == -3.25
    eventually(lambda: stack.call("GET", TODAY, gateway=1).status_code == 200, 5)

    for gateway in (0, 1):
        assert TEMPLATE in stack.gateways[gateway].get("/openapi.json").json()["paths"]
        listed = stack.call("GET", "/systems", gateway=gateway).json()
        assert [one for one in listed["items"] if one["registered"]] == [
            {
                "name": "weather",
                "title": "Weather",
                "prefix": "weather",
                "zone": "weather",
                "description": "",
                "status": "up",
                "registered": True,
            }
        ]
        tables = stack.call("GET", "/analytics/weather/tables", gateway=gateway).json()
        assert [one["name"] for one in tables["items"]] == ["days"]
        asked = {"table": "days", "filters": "mean < 0"}
        rows = stack.call("GET", "/analytics/weather/query", gateway=gateway, params=asked)
        assert rows.json()["items"] == [{"city": "Oslo", "mean": -3.25}]
        csv = stack.call("GET", "/analytics/weather/query", params=asked, headers={"Accept": "text/csv"})
        assert csv.text.splitlines()[1] == "Oslo,-3.25"

    catalogue = json.loads((stack.var_dir / "lake" / "prod" / "weather" / "_catalogue.json").read_text())
    assert [one["name"] for one in catalogue["tables"]] == ["days"]

    # Its own refusal comes through, with its reason.
    problem(stack.call("GET", "/weather/cities/Atlantis/today"), 404, "UNKNOWN_CITY")
    # Who may not read open systems may not read it.
    problem(stack.call("GET", TODAY, "investigator"), 403, "PERMISSION_MISSING")
    problem(stack.call("GET", "/analytics/weather/tables", "investigator"), 403, "PERMISSION_MISSING")
    assert stack.gateways[0].get(TODAY).status_code == 401
    # Where it is, only those who run the platform are told.
    assert "address" not in stack.call("GET", "/systems/weather").json()
    assert stack.call("GET", "/systems/weather", "admin").json()["address"] == f"127.0.0.1:{port}"

    problem(stack.register(port), 409, "SYSTEM_EXISTS")
    problem(stack.register(port, name="climate"), 409, "SYSTEM_EXISTS")

    # A gateway that starts later has it from its first answer on.
    stack.gateway()
    assert stack.call("GET", TODAY, gateway=2).status_code == 200

    process.kill()
    process.wait()
    down = problem(stack.call("GET", TODAY), 503, "SERVICE_UNAVAILABLE")
    assert down["metadata"] == {"service": "weather"}
    assert stack.call("GET", "/auth/me").status_code == 200
    status = {one["name"]: one["status"] for one in stack.call("GET", "/systems").json()["items"]}
    assert status["weather"] == "down"
    stack.weather(port)
    eventually(lambda: stack.call("GET", TODAY).status_code == 200, 20)

    problem(stack.call("DELETE", "/systems/weather"), 403, "PERMISSION_MISSING")
    assert stack.call("DELETE", "/systems/weather", "admin", gateway=1).status_code == 204
    problem(stack.call("GET", TODAY, gateway=1), 404, "UNKNOWN_PATH")
    eventually(lambda: stack.call("GET", TODAY).status_code == 404, 5)
    problem(stack.call("GET", "/analytics/weather/tables"), 404, "UNKNOWN_SYSTEM")
    assert TEMPLATE not in stack.gateways[0].get("/openapi.json").json()["paths"]
    problem(stack.call("DELETE", "/systems/weather", "admin"), 404, "SYSTEM_NOT_FOUND")
