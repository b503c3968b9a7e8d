"""A partner's Python client, generated from the document, against the running platform."""

from __future__ import annotations

import csv
import importlib
import inspect
import io
import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.live.processes import Live, Person
from tests.waiting import eventually

NAME = "partner_client"
FIRST = date(2026, 1, 5)
OPERATION_SECONDS = 120.0
Connect = Callable[..., Any]


@dataclass(frozen=True)
class Generated:
    """The package as it was generated, and the document it was generated from."""

    folder: Path
    document: dict[str, Any]

    def module(self, path: str) -> Any:
        """Return one module of the package."""
        return importlib.import_module(f"{NAME}.{path}")

    def operations(self) -> dict[str, ModuleType]:
        """Return the module of each operation by its name."""
        api = self.module("api")
        found = [one.name for one in pkgutil.walk_packages(api.__path__, f"{NAME}.api.") if not one.ispkg]
        return {name.rpartition(".")[2]: importlib.import_module(name) for name in found}


@pytest.fixture(scope="module")
def generated(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    folder = tmp_path_factory.mktemp("client")
    document = live.client.get("/api/v1/openapi.json").json()
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "config.json").write_text(json.dumps({"post_hooks": []}))
    made = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"),
            *("--path", "openapi.json", "--config", "config.json", "--output-path", NAME),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield Generated(folder, document)
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def admin(live: Live) -> Person:
    return live.person("admin")


@pytest.fixture
def connect(generated: Generated, live: Live) -> Iterator[Connect]:
    """Makes clients that hold a token or a key, and closes them after the test."""
    with ExitStack() as stack:

        def made(token: str, **how: str) -> Any:
            client = generated.module("client").AuthenticatedClient(base_url=live.plan.url, token=token, **how)
            return stack.enter_context(client)

        yield made


def test_every_operation_has_a_function(generated: Generated) -> None:
    documented = [one["operationId"] for item in generated.document["paths"].values() for one in item.values()]
    made = generated.operations()
    assert {name.replace("_", "") for name in made} == {name.replace("_", "").lower() for name in documented}
    assert all({"sync", "asyncio", "sync_detailed"} <= set(vars(module)) for module in made.values())


def test_every_question_without_an_argument_is_answered_as_its_type_says(
    generated: Generated, connect: Connect, admin: Person
) -> None:
    client, asked = connect(admin.token), []
    problem = generated.module("models").Problem
    for name, module in generated.operations().items():
        if not is_question(module) or name.endswith("authorize"):
            continue
        answer = module.sync_detailed(client=client)
        assert answer.status_code == 200, f"{name}: {answer.content!r}"
        assert answer.parsed is not None, name
        assert not isinstance(answer.parsed, problem), name
        asked.append(name)
    assert len(asked) >= 15


def is_question(module: Any) -> bool:
    """Return whether an operation reads and needs nothing to be said."""
    arguments = inspect.signature(module.sync_detailed).parameters.values()
    needed = [one.name for one in arguments if one.default is one.empty]
    return needed == ["client"] and module._get_kwargs()["method"] == "get"


def test_a_partner_makes_a_key_and_reads_page_after_page(generated: Generated, connect: Connect, admin: Person) -> None:
    made, models = generated.operations(), generated.module("models")
    wanted = models.AuthV1CreateApiKeyRequest(name="nightly", scopes=["demand:read"], expires_in_days=1)
    key = made["api_key_service_create_api_key"].sync(client=connect(admin.token), body=wanted)
    partner = connect(key.key, prefix="", auth_header_name="X-API-Key")
    segments = made["demand_service_list_segments"]
    whole = segments.sync(client=partner)
    found, token = [], ""
    while not found or token:
        page = segments.sync(client=partner, page_size=3, **({"page_token": token} if token else {}))
        found, token = [*found, *page.items], page.next_page_token
    assert [one.segment for one in found] == [one.segment for one in whole.items]
    assert len(found) == whole.total_size > 3
    assert whole.lineage.version >= 0


def test_a_failure_is_a_problem_to_program_against(
    generated: Generated, connect: Connect, live: Live, admin: Person
) -> None:
    made, problem = generated.operations(), generated.module("models").Problem
    client = connect(admin.token)
    wrong = made["demand_service_list_segments"].sync(client=client, page_size=100_000)
    assert isinstance(wrong, problem)
    assert (wrong.status, wrong.reason, wrong.errors[0].field) == (400, "INVALID_ARGUMENT", "page_size")
    missing = made["user_service_get_user"].sync("nobody", client=client)
    assert isinstance(missing, problem)
    assert (missing.status, missing.reason) == (404, "USER_NOT_FOUND")
    viewer = connect(live.person("viewer").token)
    refused = made["user_service_list_users"].sync(client=viewer)
    assert isinstance(refused, problem)
    assert (refused.status, refused.reason) == (403, "PERMISSION_MISSING")


def test_a_partner_follows_an_operation_to_its_result(generated: Generated, connect: Connect, live: Live) -> None:
    made, models = generated.operations(), generated.module("models")
    client = connect(live.person("analyst").token)
    history = [models.MarketIntelV1SeriesPoint(ds=str(FIRST + timedelta(day)), y=10 + day % 7) for day in range(120)]
    asked = models.MarketIntelV1ForecastAsk(series=history, horizon_days=7)
    begun = made["forecasting_service_compare_models"].sync_detailed(client=client, body=asked)
    assert begun.status_code == 202
    service, _, number = begun.parsed.operation.name.partition("/")

    def stands() -> Any:
        return made["operation_service_get_operation"].sync(service, number, client=client).operation

    eventually(lambda: stands().done, OPERATION_SECONDS)
    league = stands().result.to_dict()["models"]
    assert {"seasonal_naive", "ets", "theta"} <= {one["model"] for one in league}
    at_once = made["forecasting_service_forecast"].sync(client=client, body=asked)
    assert [one.ds for one in at_once.forecast] == [str(FIRST + timedelta(120 + day)) for day in range(7)]
    rows = made["forecasting_service_get_forecast"].sync(at_once.forecast_id, client=client, page_size=5)
    assert len(rows.items) == 5
    assert rows.next_page_token


def test_a_file_is_read_by_the_connection_of_the_client(generated: Generated, connect: Connect, admin: Person) -> None:
    client = connect(admin.token)
    segments = generated.operations()["demand_service_list_segments"].sync(client=client)
    path = "/api/v1/demand-insights/segments"
    file = client.get_httpx_client().get(path, params={"export": "csv"})
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [row["segment"] for row in rows] == [one.segment for one in segments.items]


def test_a_client_that_acts_for_itself_reads_by_its_scope(generated: Generated, connect: Connect, live: Live) -> None:
    client = connect(live.oauth_client("demand:read"))
    assert generated.operations()["demand_service_list_segments"].sync(client=client).total_size > 0
