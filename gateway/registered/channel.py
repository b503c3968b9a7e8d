"""The connection to a registered system: bounded, and without its callers' own tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from gateway.registered.address import target
from shared import principal, telemetry
from shared.errors import PlatformError, Unauthenticated, Unavailable
from shared.rpc.channel import DEFAULT_TIMEOUT_SECONDS, OPTIONS, Deserializer, Metadata, Serializer, ServiceChannel
from shared.rpc.status import from_rpc_error
from shared.rpc.tls import believed
from shared.system_tokens import SCHEDULE, SystemTokens

ENCODING = "table-encoding"
"""The one thing beside its token and its trace that a call tells a registered system."""
MOST_BYTES = 16 * 1024 * 1024
ONLY_IDENTITY = 1
BOUNDS: dict[str, str | int] = {
    "grpc.max_receive_message_length": MOST_BYTES,
    # A short message that unpacks to a long one is not taken.
    "grpc.compression_enabled_algorithms_bitset": ONLY_IDENTITY,
}


class TokenNotTaken(Unavailable):
    """The system did not believe the token that was made for it: its fault or ours, never the caller's."""

    reason = "SYSTEM_TOKEN_NOT_TAKEN"


class AnswerInvalid(Unavailable):
    """The system answered with what cannot be understood: neither a message of its contract nor a refusal."""

    reason = "SYSTEM_ANSWER_INVALID"


def connected(address: str, tls: bool, authority: Path | None, **bounds: int) -> grpc.aio.Channel:
    """Return a channel to an address of a system; it connects when it is first used.

    Args:
        address: `host:port`, checked before.
        tls: whether its certificate is asked for.
        authority: PEM file of who signs such certificates; None: whom gRPC ships with.
        bounds: further channel options by their names after `grpc.`.
    """
    options = list({**dict(OPTIONS), **BOUNDS, **{f"grpc.{name}": most for name, most in bounds.items()}}.items())
    if not tls:
        return grpc.aio.insecure_channel(target(address), options=options)
    return grpc.aio.secure_channel(target(address), believed(authority), options=options)


class SystemCall:
    """One method of a registered system that answers once."""

    __slots__ = ("_channel", "_method")

    def __init__(self, channel: SystemChannel, method: Any) -> None:
        self._channel, self._method = channel, method

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  it travels to the other side as the deadline
        metadata: Metadata = (),
        wait_for_ready: bool | None = None,
    ) -> Any:
        """Return the answer. Raises PlatformError."""
        told = await self._channel.told(metadata)
        seconds = DEFAULT_TIMEOUT_SECONDS if timeout is None else timeout
        try:
            answer = await self._method(request, timeout=seconds, metadata=told, wait_for_ready=wait_for_ready)
        except grpc.aio.AioRpcError as error:
            raise self._channel.failure(error) from error
        return self._channel.understood(answer)


class SystemStream:
    """One method of a registered system that answers with a stream."""

    __slots__ = ("_channel", "_method")

    def __init__(self, channel: SystemChannel, method: Any) -> None:
        self._channel, self._method = channel, method

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109
        metadata: Metadata = (),
        wait_for_ready: bool | None = None,
    ) -> AsyncIterator[Any]:
        """Yield the answers. Raises PlatformError; leaving the loop cancels the work behind."""
        told = await self._channel.told(metadata)
        call = self._method(request, timeout=timeout, metadata=told, wait_for_ready=wait_for_ready)
        try:
            async for message in call:
                yield self._channel.understood(message)
        except grpc.aio.AioRpcError as error:
            raise self._channel.failure(error) from error
        finally:
            call.cancel()


class SystemChannel(ServiceChannel):
    """A channel to one registered system; no call of it, whatever makes it, sends a caller's own token."""

    def __init__(self, name: str, raw: grpc.aio.Channel, tokens: SystemTokens) -> None:
        super().__init__(name, raw)
        self._tokens = tokens
        self._methods: dict[str, SystemCall] = {}

    def unary_unary(  # type: ignore[override]
        self,
        method: str,
        request_serializer: Serializer,
        response_deserializer: Deserializer,
        _registered_method: bool = False,
    ) -> SystemCall:
        """Return the method at `/package.Service/Method`."""
        return SystemCall(self, self.raw.unary_unary(method, request_serializer, response_deserializer))

    def unary_stream(  # type: ignore[override]
        self,
        method: str,
        request_serializer: Serializer,
        response_deserializer: Deserializer,
        _registered_method: bool = False,
    ) -> SystemStream:
        """Return the streaming method at `/package.Service/Method`."""
        return SystemStream(self, self.raw.unary_stream(method, request_serializer, response_deserializer))

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
        """Return the answer of one call; it is not carried with others. Raises PlatformError."""
        method = self._methods.get(method_path)
        if method is None:
            method = self._methods[method_path] = self.unary_unary(method_path, serializer, deserializer)
        return await method(request, timeout=timeout, metadata=metadata)

    async def told(self, metadata: Metadata) -> list[tuple[str, str]]:
        """Return what a call says beside its request: a token of the system's own, the trace, the encoding."""
        sent = [pair for pair in metadata if pair[0] == ENCODING]
        caller = principal.current.get()
        if caller is SCHEDULE:
            sent.append(("authorization", f"Bearer {await self._tokens.of_schedule(self.name)}"))
        elif caller.token:
            sent.append(("authorization", f"Bearer {await self._tokens.token(caller.token, self.name)}"))
        trace = telemetry.current.get()
        if trace:
            sent.append((telemetry.TRACEPARENT, trace.traceparent))
        return sent

    def understood(self, message: Any) -> Any:
        """Return a message of the system's. Raises AnswerInvalid for None, which is what gRPC makes of other bytes."""
        if message is None:
            raise self._not_understood()
        return message

    def _not_understood(self) -> AnswerInvalid:
        return AnswerInvalid(
            f"the {self.name} system answered with what its contract does not say; register it again if that changed",
            metadata={"service": self.name},
        )

    def failure(self, error: grpc.aio.AioRpcError) -> PlatformError:
        """Return what a failed call means to the caller, whatever the system wrote beside it."""
        try:
            found = from_rpc_error(error, self.name)
        except (DecodeError, ValueError):
            return self._not_understood()
        # Only the code tells the HTTP status: a 401 of the system's own choice would send the caller to log in again.
        vars(found).pop("http_status", None)
        if not isinstance(found, Unauthenticated):
            return found
        # Passed on as it is, a 401 would send the caller to log in again.
        return TokenNotTaken(f"the {self.name} system did not take its token", metadata={"service": self.name})
