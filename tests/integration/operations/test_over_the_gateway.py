"""Operations of two services over the gateway: asked about, ended and listed by whom they concern."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf import json_format

from protos.common.v1 import operation_pb2, operations_pb2, operations_pb2_grpc, system_pb2, system_pb2_grpc
from protos.common.v1.system_pb2_grpc import add_SystemServiceServicer_to_server as add_system
from shared import principal
from shared.lake import Lake, Zones
from shared.operations.operation import Operation
from shared.operations.operations import Operations
from shared.operations.servicer import NoOperations, operation_message, operation_service
from shared.operations.settings import OperationSettings
from shared.permissions import permissions_of
from shared.principal import Principal
from shared.rpc.channel import channel
from shared.rpc.server import Service, running
from shared.system_service import SystemServicer
from shared.systems import SYSTEMS
from shared.telemetry import Telemetry
from shared.tokens import TokenSigner, TokenVerifier
from tests.contract.backend import AUDIENCE, ISSUER, Backend, gateway, new_key, serving, settings_for
from tests.integration.operations import work
from tests.integration.operations.conftest import begun, ended, is_alive
from tests.unit.services.demand.conftest import NothingRevoked, OneKey
from tests.waiting import until

OPERATIONS = "/api/v1/operations"


@dataclass
class Served:
    """A gateway before two services with long work, and one without."""

    client: httpx.AsyncClient
    auth: Backend
    demand: Operations
    compliance: Operations
    addresses: dict[str, str] = field(default_factory=dict)

    async def ask(self, verb: str, path: str, who: str = "ada", role: str = "analyst", **token: Any) -> httpx.Response:
        """Return the answer to one call."""
        headers = {"Authorization": f"Bearer {self.auth.token(role, subject=who, **token)}"}
        return await self.client.request(verb, path, headers=headers)

    async def names(self, query: str = "", **who: Any) -> list[str]:
        """Return the names of the operations listed."""
        response = await self.ask("GET", OPERATIONS + query, **who)
        assert response.status_code == 200, response.text
        return [one["name"] for one in response.json()["items"]]


def caller(subject: str, role: str = "analyst", regions: list[str] | None = None) -> Principal:
    bound = None if regions is None else frozenset(regions)
    return Principal(subject, frozenset({role}), permissions_of([role]), bound)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    key, settings = new_key(), OperationSettings(var_dir=tmp_path, services={"auth": "127.0.0.1:1"})
    verifier = TokenVerifier(OneKey(key.public()), ISSUER, AUDIENCE, NothingRevoked())
    async with AsyncExitStack() as stack:
        auth = await stack.enter_async_context(serving(key=key))
        sources: dict[str, Any] = {"copilot": NoOperations("copilot")}
        for name in ("demand", "compliance"):
            sources[name] = await stack.enter_async_context(Operations(name, settings, packages={"tests"}))
        addresses = {"auth": auth.address}
        for name, source in sources.items():
            at = await stack.enter_async_context(
                running(name, settings, [operation_service(source)], verifier, Telemetry())
            )
            addresses[name] = at.grpc_address
        client, _ = await stack.enter_async_context(gateway(settings_for(auth, services=addresses)))
        yield Served(client, auth, sources["demand"], sources["compliance"], addresses)


async def test_its_owner_follows_an_operation_to_its_result(served: Served) -> None:
    operation = await served.demand.begin("doubling", work.doubled, {"number": 2}, caller("ada"))
    path = f"{OPERATIONS}/{operation.name}"
    assert (await served.ask("GET", path)).status_code == 200
    await ended(served.demand, operation.id)
    found = (await served.ask("GET", path)).json()["operation"]
    assert (found["name"], found["kind"], found["done"], found["progress_pct"]) == (
        operation.name,
        "doubling",
        True,
        100,
    )
    assert found["result"]["twice"] == 4 and found["cancellable"] is False and "error" not in found
    assert found["created_at"] < found["ended_at"]


async def test_it_is_ended_by_delete(served: Served, tmp_path: Path) -> None:
    operation = await served.demand.begin("waiting", work.waiting, {"folder": str(tmp_path)}, caller("ada"))
    await until(lambda: begun(tmp_path))
    path = f"{OPERATIONS}/{operation.name}"
    assert (await served.ask("GET", path)).json()["operation"]["cancellable"] is True
    found = (await served.ask("DELETE", path)).json()["operation"]
    assert (found["done"], found["error"]["reason"]) == (True, "OPERATION_CANCELLED")
    assert not any(map(is_alive, begun(tmp_path)))
    assert (await served.ask("DELETE", path)).json()["operation"] == found


STRANGERS = [
    {"who": "bob"},
    {"who": "bob", "role": "viewer"},
    {"who": "eve", "role": "investigator"},  # who manages compliance, and not demand
    {"who": "ada", "permissions": ["compliance:read"]},  # a key of the owner's for another system
]


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("verb", ["GET", "DELETE"])
async def test_of_others_there_is_nothing_to_be_found(served: Served, tmp_path: Path, verb: str, who: Any) -> None:
    operation = await served.demand.begin("waiting", work.waiting, {"folder": str(tmp_path)}, caller("ada"))
    answers = [
        await served.ask(verb, f"{OPERATIONS}/demand/{operation_id}", **who)
        for operation_id in (operation.id, "nothing")
    ]
    assert [(one.status_code, one.json()["reason"]) for one in answers] == [(404, "OPERATION_NOT_FOUND")] * 2
    details = [one.json()["detail"] for one in answers]
    assert details[0].replace(operation.id, "nothing") == details[1]
    assert await served.names("?all=true", **who) == []
    assert not (await served.demand.get(operation.id)).is_done


async def test_whoever_manages_a_service_sees_and_ends_all_of_it(served: Served, tmp_path: Path) -> None:
    arguments = {"folder": str(tmp_path)}
    demand = await served.demand.begin("waiting", work.waiting, arguments, caller("ada"))
    case = await served.compliance.begin("waiting", work.waiting, arguments, caller("eve", "investigator"))
    assert await served.names("?all=true", who="root", role="admin") == [case.name, demand.name]
    assert await served.names("?all=true", who="ivo", role="investigator") == [case.name]
    assert await served.names(who="root", role="admin") == []
    found = await served.ask("DELETE", f"{OPERATIONS}/{demand.name}", who="root", role="admin")
    assert found.json()["operation"]["error"]["reason"] == "OPERATION_CANCELLED"


REGIONS = {
    "as they were": (["CA", "NY"], ["NY", "CA"], True),
    "more": (["CA"], ["CA", "NY"], True),
    "all, once some": (["CA"], None, True),
    "all, as ever": (None, None, True),
    "fewer": (["CA", "NY"], ["CA"], False),
    "others": (["CA"], ["NY"], False),
    "some, once all": (None, ["CA", "NY"], False),
    "none": (["CA"], [], False),
}


@pytest.mark.parametrize("then, now, is_told", REGIONS.values(), ids=REGIONS)
async def test_a_result_is_told_to_whoever_sees_the_regions_it_may_be_made_from(
    served: Served, then: list[str] | None, now: list[str] | None, is_told: bool
) -> None:
    operation = await served.demand.begin("doubling", work.doubled, {"number": 2}, caller("ada", regions=then), key="k")
    await ended(served.demand, operation.id)
    answers = [
        (await served.ask(verb, f"{OPERATIONS}/{operation.name}", who=who, role=role, regions=now)).json()["operation"]
        for who, role in (("ada", "analyst"), ("root", "admin"))
        for verb in ("GET", "DELETE")
    ]
    answers.append(json_format.MessageToDict(await over_grpc(served, operation, now)))
    again = await served.demand.begin("doubling", work.doubled, {"number": 2}, caller("ada", regions=now), key="k")
    known = await served.demand.begun(work.doubled, caller("ada", regions=now), "k")
    answers += [json_format.MessageToDict(operation_message(each)) for each in (again, known) if each is not None]
    assert [each["name"] for each in answers] == [operation.name] * 7
    assert all(each["done"] for each in answers)
    if is_told:
        assert [each["result"]["twice"] for each in answers] == [4] * 7
    else:
        assert [each["error"]["reason"] for each in answers] == ["OPERATION_RESULT_WITHHELD"] * 7
        assert not any("result" in each for each in answers)


async def over_grpc(served: Served, operation: Operation, regions: list[str] | None) -> operation_pb2.Operation:
    """Return an operation as its service tells its owner, bound to regions, without a gateway between."""
    settings = OperationSettings(services={"auth": "127.0.0.1:1"})
    async with channel("demand", served.addresses["demand"], settings) as to_demand:
        stub: Any = operations_pb2_grpc.OperationServiceStub(to_demand)
        request = operations_pb2.GetOperationRequest(service="demand", id=operation.id)
        token = served.auth.token("analyst", subject="ada", regions=regions)
        answer = await stub.GetOperation(request, metadata=(("authorization", f"Bearer {token}"),))
        found: operation_pb2.Operation = answer.operation
        return found


@pytest.mark.parametrize("path", ["nothing/x", "auth-service/x", "copilot/x"])
async def test_what_no_service_has_is_not_found(served: Served, path: str) -> None:
    response = await served.ask("GET", f"{OPERATIONS}/{path}")
    assert response.status_code == 404
    assert response.json()["reason"] == ("OPERATION_NOT_FOUND" if path == "copilot/x" else "UNKNOWN_SERVICE")


async def test_the_list_over_all_services_is_paged_without_gap_or_repetition(served: Served) -> None:
    made = []
    for number in range(3):
        for operations in (served.demand, served.compliance):
            operation = await operations.begin("doubling", work.doubled, {"number": number}, caller("ada"))
            made.append((await ended(operations, operation.id)).name)
    seen, token = [], ""
    while True:
        page = (await served.ask("GET", f"{OPERATIONS}?page_size=2&page_token={token}")).json()
        seen += [one["name"] for one in page["items"]]
        assert (page["total_size"], page["missing"]) == (6, [])
        if not (token := page["next_page_token"]):
            break
    assert seen == made[::-1]
    assert await served.names(who="bob") == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("page_size=0", "INVALID_ARGUMENT"),
        ("page_size=1001", "INVALID_ARGUMENT"),
        ("all=perhaps", "INVALID_ARGUMENT"),
        ("owner=bob", "INVALID_ARGUMENT"),
        ("page_token=made-up", "INVALID_PAGE_TOKEN"),
    ],
)
async def test_a_wrong_question_is_told_so(served: Served, query: str, reason: str) -> None:
    response = await served.ask("GET", f"{OPERATIONS}?{query}")
    assert (response.status_code, response.json()["reason"]) == (400, reason)


async def test_a_service_that_does_not_answer_is_named_and_the_others_are_listed(tmp_path: Path) -> None:
    async with serving() as auth:
        addresses = {"auth": auth.address, "demand": "127.0.0.1:1"}
        async with gateway(settings_for(auth, services=addresses)) as (client, _):
            response = await client.get(OPERATIONS, headers=auth.bearer("analyst"))
    assert response.status_code == 200
    assert response.json() == {"items": [], "total_size": 0, "next_page_token": "", "missing": ["demand"]}


async def test_nobody_lists_without_a_token(served: Served) -> None:
    response = await served.client.get(OPERATIONS)
    assert (response.status_code, response.json()["reason"]) == (401, "TOKEN_MISSING")


async def test_watchers_among_our_processes_hear_of_every_change_with_its_owner(served: Served) -> None:
    settings = OperationSettings(services={"auth": "127.0.0.1:1"})
    async with channel("demand", served.addresses["demand"], settings) as to_demand:
        stub: Any = operations_pb2_grpc.OperationServiceStub(to_demand)
        operation = await served.demand.begin("doubling", work.doubled, {"number": 2}, caller("ada"))
        async for told in stub.WatchOperations(operations_pb2.WatchOperationsRequest(), timeout=30):
            assert (told.operation.name, told.subject) == (operation.name, "ada")
            if told.operation.done:
                break
    assert not told.operation.HasField("result") and not told.operation.HasField("error")


async def test_a_system_hands_in_its_forecast_which_is_done_as_an_operation(tmp_path: Path) -> None:
    key, settings = new_key(), OperationSettings(var_dir=tmp_path, services={"auth": "127.0.0.1:1"})
    verifier = TokenVerifier(OneKey(key.public()), ISSUER, AUDIENCE, NothingRevoked())
    system = next(one for one in SYSTEMS if one.name == "demand")
    async with Operations("demand", settings, packages={"tests"}) as operations:

        async def forecast(request: system_pb2.ForecastRequest) -> system_pb2.ForecastResponse:
            arguments, caller = json_format.MessageToDict(request.parameters), principal.current.get()
            begun = await operations.begin("forecast", work.forecast, arguments, caller, expected_seconds=20)
            return system_pb2.ForecastResponse(operation=operation_message(begun))

        servicer = SystemServicer(system, Lake(Zones.under(tmp_path / "lake")), forecast=forecast)
        served = Service(servicer, system_pb2.DESCRIPTOR.services_by_name["SystemService"], add_system)
        async with (
            running("demand", settings, [served], verifier, Telemetry()) as at,
            channel("demand", at.grpc_address, settings) as to_demand,
        ):
            token = TokenSigner(key, ISSUER, AUDIENCE).sign("ada", ["analyst"], ["demand:run"], "s")
            request = system_pb2.ForecastRequest(system="demand")
            request.parameters.update({"days": 2})
            stub: Any = system_pb2_grpc.SystemServiceStub(to_demand)
            answer = await stub.Forecast(request, metadata=(("authorization", f"Bearer {token}"),))
            assert (answer.operation.done, answer.operation.kind) == (False, "forecast")
            found = await ended(operations, answer.operation.name.partition("/")[2])
    assert found.result == {"mean": [10.0, 10.0], "caller": "ada"}
