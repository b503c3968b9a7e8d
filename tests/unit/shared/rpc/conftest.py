"""Real servers on loopback with the real contracts; only what they answer is made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
import pytest

from protos.auth.v1 import auth_pb2, auth_pb2_grpc
from protos.common.v1 import system_pb2, system_pb2_grpc
from protos.demand.v1 import demand_pb2, demand_pb2_grpc
from shared import principal, telemetry
from shared.errors import Unauthenticated
from shared.principal import Principal
from shared.rpc.channel import ServiceChannel, channel
from shared.rpc.server import Bound, Service, running
from shared.settings import ProcessSettings

PEOPLE = {
    "ada": Principal("ada", permissions=frozenset({"demand:read"}), token="ada"),
    "bob": Principal("bob", token="bob"),
}


class Tokens:
    """Knows two people by name; every other token is forged."""

    async def verify(self, token: str) -> Principal:
        if token not in PEOPLE:
            raise Unauthenticated("the token does not hold", reason="TOKEN_INVALID")
        return PEOPLE[token]


class Demand(demand_pb2_grpc.DemandServiceServicer):
    """Answers with whatever a test puts into `answer`."""

    def __init__(self) -> None:
        self.answer: Callable[..., Any] = self.nothing
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def nothing(self, _request: Any, _context: Any) -> demand_pb2.ListSegmentsResponse:
        return demand_pb2.ListSegmentsResponse()

    async def ListSegments(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.began.set()
        try:
            return await self.answer(request, context)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


class System(system_pb2_grpc.SystemServiceServicer):
    """Lists nothing, and watches until it is ended."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def ListTables(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return system_pb2.ListTablesResponse()

    async def Watch(self, _request: Any, _context: Any) -> AsyncIterator[Any]:  # noqa: N802
        try:
            yield system_pb2.WatchResponse(table=f"caller is {principal.current.get().subject or 'nobody'}")
            yield system_pb2.WatchResponse(table=telemetry.trace_id())
            await asyncio.Event().wait()
        finally:
            # Cancelled while it waits; closed where the caller has gone before it came to that.
            self.ended.set()


class Auth(auth_pb2_grpc.AuthServiceServicer):
    """Says who it thinks the caller is."""

    async def _who(self, answer: type[Any]) -> Any:
        return answer(user=auth_pb2.User(id=principal.current.get().subject))

    async def Refresh(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return await self._who(auth_pb2.RefreshResponse)

    async def GetMe(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return await self._who(auth_pb2.GetMeResponse)

    async def CheckRevocation(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return auth_pb2.CheckRevocationResponse(revoked=False)


def service(file: Any, name: str, servicer: Any, add: Any) -> Service:
    return Service(servicer, file.DESCRIPTOR.services_by_name[name], add)


def demand_service(servicer: Demand) -> Service:
    add = demand_pb2_grpc.add_DemandServiceServicer_to_server
    return service(demand_pb2, "DemandService", servicer, add)


class Stack:
    """A running service process with all three services, and a channel to it."""

    def __init__(self) -> None:
        self.demand, self.system, self.auth = Demand(), System(), Auth()
        self.bound = Bound("", "")
        self.channel: ServiceChannel
        self.carried = False
        """Whether `segments` goes over the stream of carried calls, as the REST edge's calls do."""

    def services(self) -> Sequence[Service]:
        add_system = system_pb2_grpc.add_SystemServiceServicer_to_server
        add_auth = auth_pb2_grpc.add_AuthServiceServicer_to_server
        return [
            demand_service(self.demand),
            service(system_pb2, "SystemService", self.system, add_system),
            service(auth_pb2, "AuthService", self.auth, add_auth),
        ]

    @asynccontextmanager
    async def started(self, settings: ProcessSettings, **more: Any) -> AsyncIterator[Bound]:
        traces = telemetry.Telemetry()
        async with running("demand", settings, self.services(), Tokens(), traces, **more) as bound:
            yield bound

    async def segments(self, **more: Any) -> demand_pb2.ListSegmentsResponse:
        """Call ListSegments as whoever is current."""
        if self.carried:
            request, to_bytes = demand_pb2.ListSegmentsRequest(), demand_pb2.ListSegmentsRequest.SerializeToString
            from_bytes = demand_pb2.ListSegmentsResponse.FromString
            carried: demand_pb2.ListSegmentsResponse = await self.channel.call(
                "/demand.v1.DemandService/ListSegments", request, to_bytes, from_bytes, **more
            )
            return carried
        stub = demand_pb2_grpc.DemandServiceStub(self.channel)
        answer: demand_pb2.ListSegmentsResponse = await stub.ListSegments(demand_pb2.ListSegmentsRequest(), **more)
        return answer


@pytest.fixture
def settings() -> ProcessSettings:
    return ProcessSettings()


@pytest.fixture
async def stack(settings: ProcessSettings) -> AsyncIterator[Stack]:
    one = Stack()
    async with one.started(settings) as one.bound:
        async with channel("demand", one.bound.grpc_address, settings) as one.channel:
            yield one


def calling_as(name: str) -> None:
    """Make the rest of the test a request of that person."""
    principal.current.set(PEOPLE.get(name, Principal(name, token=name)))


@pytest.fixture
def caller() -> Callable[[str], None]:
    return calling_as


Raw = Callable[[], AbstractAsyncContextManager[grpc.aio.Channel]]
