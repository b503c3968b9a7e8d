"""A service process: its gRPC server, and beside it the same service over HTTP, on one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from protos.common.v1 import calls_pb2, calls_pb2_grpc
from shared import logs, telemetry
from shared.rpc.access import Guard, Verifier, compiled
from shared.rpc.carried import CallServicer
from shared.rpc.carrier import MAX_MESSAGE_BYTES
from shared.rpc.channel import MAX_METADATA_BYTES, ServiceChannel, channel
from shared.rpc.health import Health, HealthApp, Ready
from shared.rpc.http import http_server
from shared.rpc.interceptors import Interceptor
from shared.rpc.process import address_in_use, settled, stopping
from shared.rpc.tls import bind
from shared.settings import ProcessSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

DRAIN_SECONDS = 5.0
CALLS = calls_pb2.DESCRIPTOR.services_by_name["CallService"]
ANY_HOST = ("0.0.0.0", "[::]")  # noqa: S104  compared with, not bound

OPTIONS: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
    # A second process on the same port must fail at once, not share it in silence.
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
]

log = structlog.stdlib.get_logger("shared.rpc")

HttpAppFactory = Callable[[ServiceChannel], "ASGIApp"]
"""Makes the HTTP application of a service over a channel to that very service."""


@dataclass(frozen=True, slots=True)
class Service:
    """One gRPC service to register."""

    servicer: Any
    descriptor: ServiceDescriptor
    add: Callable[[Any, grpc.aio.Server], None]


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a running service process can be reached, as host:port."""

    grpc_address: str
    http_address: str


async def serve(
    name: str,
    settings: ProcessSettings,
    services: Sequence[Service],
    verifier: Verifier,
    *,
    ready: Ready | None = None,
    data_ready: Ready | None = None,
    http_app_factory: HttpAppFactory | None = None,
) -> None:
    """Serve until a signal comes or the supervisor is gone, then finish what is in flight and return.

    Args:
        name: name of the process, in logs and traces and as the peer of its certificate.
        settings: where to listen, and how to log.
        services: what to register; each of their methods must have a policy.
        verifier: tells whom a token speaks for.
        ready: raises a PlatformError that says why, as long as the process cannot do its work.
        data_ready: raises a PlatformError as long as there are no data to serve; gRPC health tells it as `data`.
        http_app_factory: makes the REST side; without it HTTP answers for the health of the process alone.

    Raises:
        AddressInUse: somebody else listens at one of the addresses.
        PolicyWrong: a method does not say who may call it.
    """
    logs.configure(name, settings)
    traces = telemetry.start(name, settings)
    try:
        async with (
            stopping(settings) as stop,
            running(
                name,
                settings,
                services,
                verifier,
                traces,
                ready=ready,
                data_ready=data_ready,
                http_app_factory=http_app_factory,
            ) as at,
        ):
            log.info("serving", grpc=at.grpc_address, http=at.http_address)
            settled()
            await stop.wait()
            log.info("stopping")
    finally:
        traces.close()


@asynccontextmanager
async def running(
    name: str,
    settings: ProcessSettings,
    services: Sequence[Service],
    verifier: Verifier,
    traces: telemetry.Telemetry,
    *,
    ready: Ready | None = None,
    data_ready: Ready | None = None,
    http_app_factory: HttpAppFactory | None = None,
) -> AsyncIterator[Bound]:
    """Serve both sides and give their addresses; leaving drains them. Signals are the caller's affair."""
    descriptors = [service.descriptor for service in services]
    state = Health([descriptor.full_name for descriptor in descriptors], ready, data_ready)
    guard = Guard(compiled([*descriptors, CALLS]), verifier, settings.tls or settings.trust_network)
    calls = Interceptor(guard, traces)
    carried = CallServicer(calls.unary, guard)
    async with _grpc_server(settings, services, state, calls, carried) as grpc_address:
        own = channel(name, _from_here(grpc_address), settings, traces.meters)
        app = HealthApp(state, http_app_factory(own) if http_app_factory else None)
        http = http_server(app, settings.http_address, traces, settings.metrics_token)
        async with own, http as http_address, _kept_fresh(state):
            try:
                yield Bound(grpc_address, http_address)
            finally:
                await state.stop()
                calls.end_watches()
                carried.stop()


@asynccontextmanager
async def _grpc_server(
    settings: ProcessSettings,
    services: Sequence[Service],
    state: Health,
    calls: Interceptor,
    carried: CallServicer,
) -> AsyncIterator[str]:
    server = grpc.aio.server(options=OPTIONS)
    for service in services:
        calls.register(service.servicer, service.add, server)
    calls_pb2_grpc.add_CallServiceServicer_to_server(carried, server)  # type: ignore[no-untyped-call]
    _add_standard_services(server, services, state)
    try:
        port = bind(server, settings)
    except RuntimeError as error:
        raise address_in_use(settings.grpc_address, "GRPC_ADDRESS") from error
    await server.start()
    try:
        yield f"{settings.grpc_address.rpartition(':')[0]}:{port}"
    finally:
        await server.stop(DRAIN_SECONDS)


def _add_standard_services(server: grpc.aio.Server, services: Sequence[Service], state: Health) -> None:
    health_pb2_grpc.add_HealthServicer_to_server(state.servicer, server)
    ours = [service.descriptor.full_name for service in services]
    reflection.enable_server_reflection([*ours, health.SERVICE_NAME, reflection.SERVICE_NAME], server)


def _from_here(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"127.0.0.1:{port}" if host in ANY_HOST else address


@asynccontextmanager
async def _kept_fresh(state: Health) -> AsyncIterator[None]:
    await state.refresh()
    task = asyncio.create_task(state.keep_fresh())
    try:
        yield
    finally:
        task.cancel()
