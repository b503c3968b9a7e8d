"""Calls to another service: deadline, token and trace go along, errors come back as PlatformError.

`ServiceChannel` fits the generated stubs, `DemandServiceStub(channel)`, and costs little more than a bare
grpc.aio channel: client interceptors of grpc.aio would make an extra task for each call.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from shared import principal, telemetry
from shared.errors import PlatformError
from shared.rpc import deadline
from shared.rpc.carrier import MAX_MESSAGE_BYTES, PART_BYTES, Carrier, NotCarried
from shared.rpc.status import from_rpc_error
from shared.rpc.tls import connect
from shared.settings import ProcessSettings
from shared.telemetry_metrics import Meters

DEFAULT_TIMEOUT_SECONDS = 10.0
MAX_METADATA_BYTES = 64 * 1024

OPTIONS: list[tuple[str, str | int]] = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
    # A service that returns is found again within a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Our own services are never behind an HTTP proxy, whatever the environment says.
    ("grpc.enable_http_proxy", 0),
]

Serializer = Callable[[Any], bytes]
Deserializer = Callable[[bytes], Any]
Metadata = Sequence[tuple[str, str]]


def outgoing(metadata: Metadata = ()) -> list[tuple[str, str]]:
    """Return the metadata of a call made for the request being served: its token, its trace and `metadata`."""
    sent = list(metadata)
    token = principal.current.get().token
    if token:
        sent.append(("authorization", f"Bearer {token}"))
    trace = telemetry.current.get()
    if trace:
        sent.append((telemetry.TRACEPARENT, trace.traceparent))
    return sent


class UnaryCall:
    """One method of a service that answers once."""

    __slots__ = ("_meters", "_method", "_service")

    def __init__(self, method: Any, service: str, meters: Meters | None = None) -> None:
        self._method = method
        self._service = service
        self._meters = meters

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  it travels to the other side as the deadline
        metadata: Metadata = (),
        wait_for_ready: bool | None = None,
    ) -> Any:
        """Return the answer. Raises PlatformError; cancelling the caller cancels the work behind."""
        seconds = deadline.within(DEFAULT_TIMEOUT_SECONDS if timeout is None else timeout)
        outcome, began = "CANCELLED", time.perf_counter()
        try:
            answer = await self._method(
                request, timeout=seconds, metadata=outgoing(metadata), wait_for_ready=wait_for_ready
            )
            outcome = "OK"
        except grpc.aio.AioRpcError as error:
            outcome = error.code().name
            raise from_rpc_error(error, self._service) from error
        finally:
            if self._meters is not None:
                self._meters.rpc_client.record(time.perf_counter() - began, self._service, outcome)
        return answer


class StreamCall:
    """One method of a service that answers with a stream; without a timeout it has no deadline of its own."""

    __slots__ = ("_method", "_service")

    def __init__(self, method: Any, service: str) -> None:
        self._method = method
        self._service = service

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109
        metadata: Metadata = (),
        wait_for_ready: bool | None = None,
    ) -> AsyncIterator[Any]:
        """Yield the answers. Raises PlatformError; leaving the loop cancels the work behind."""
        call = self._method(
            request, timeout=deadline.within(timeout), metadata=outgoing(metadata), wait_for_ready=wait_for_ready
        )
        try:
            async for message in call:
                yield message
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, self._service) from error
        finally:
            call.cancel()


class ServiceChannel:
    """A long-lived connection to one service."""

    def __init__(self, name: str, raw: grpc.aio.Channel, meters: Meters | None = None) -> None:
        self.name = name
        self._meters = meters
        self.raw = raw
        """The grpc.aio channel itself, without token, trace or error mapping."""
        self._carrier = Carrier(raw, name)
        self._unary: dict[tuple[str, Serializer, Deserializer], UnaryCall] = {}
        self._stream: dict[tuple[str, Serializer, Deserializer], StreamCall] = {}

    def unary_unary(
        self,
        method: str,
        request_serializer: Serializer,
        response_deserializer: Deserializer,
        _registered_method: bool = False,
    ) -> UnaryCall:
        """Return the method at `/package.Service/Method`, made once and called often."""
        raw = self.raw.unary_unary(method, request_serializer, response_deserializer, _registered_method)
        return UnaryCall(raw, self.name, self._meters)

    def unary_stream(
        self,
        method: str,
        request_serializer: Serializer,
        response_deserializer: Deserializer,
        _registered_method: bool = False,
    ) -> StreamCall:
        """Return the streaming method at `/package.Service/Method`."""
        raw = self.raw.unary_stream(method, request_serializer, response_deserializer, _registered_method)
        return StreamCall(raw, self.name)

    async def call(
        self,
        method_path: str,
        request: Any,
        serializer: Serializer,
        deserializer: Deserializer,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  it travels to the other side as the deadline
        metadata: Metadata = (),
    ) -> Any:
        """Return the answer of one call; the (de)serializers of a path are the same objects each time.

        It is carried on the stream where the service has one, and made by itself otherwise. Raises PlatformError.
        """
        outcome, began = "CANCELLED", time.perf_counter()
        try:
            answer = await self._carried(method_path, request, (serializer, deserializer), timeout, metadata)
            outcome = "OK"
        except PlatformError as error:
            outcome = error.code.name
            raise
        finally:
            if self._meters is not None:
                self._meters.rpc_client.record(time.perf_counter() - began, self.name, outcome)
        return answer

    async def _carried(
        self,
        method_path: str,
        request: Any,
        codec: tuple[Serializer, Deserializer],
        timeout: float | None,  # noqa: ASYNC109
        metadata: Metadata,
    ) -> Any:
        serializer, deserializer = codec
        content = serializer(request) if self._carrier.offered else b""
        if self._carrier.offered and len(content) <= PART_BYTES:
            seconds = deadline.within(DEFAULT_TIMEOUT_SECONDS if timeout is None else timeout)
            about = dict(outgoing(metadata))
            try:
                carried = await self._carrier.call(method_path, content, seconds, about)
            except NotCarried:
                pass
            else:
                return deserializer(carried)
        key = (method_path, serializer, deserializer)
        method = self._unary.get(key)
        if method is None:
            raw = self.raw.unary_unary(method_path, serializer, deserializer, True)
            method = self._unary[key] = UnaryCall(raw, self.name)
        return await method(request, timeout=timeout, metadata=metadata)

    def stream(
        self,
        method_path: str,
        request: Any,
        serializer: Serializer,
        deserializer: Deserializer,
        *,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> AsyncIterator[Any]:
        """Yield the answers of one streaming call."""
        key = (method_path, serializer, deserializer)
        method = self._stream.get(key)
        if method is None:
            method = self._stream[key] = self.unary_stream(method_path, serializer, deserializer, True)
        return method(request, timeout=timeout, metadata=metadata)

    async def close(self) -> None:
        """Close the connection and cancel what is still running on it."""
        await self._carrier.close()
        await self.raw.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def channel(name: str, address: str, settings: ProcessSettings, meters: Meters | None = None) -> ServiceChannel:
    """Return a channel to the service called `name`; it connects when it is first used."""
    return ServiceChannel(name, connect(name, address, settings, OPTIONS), meters)
