"""The connection to a registered system: bounded, and without its callers' own tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc

from gateway.registered.address import target
from gateway.registered.tokens import SystemTokens
from shared import principal, telemetry
from shared.errors import Unauthenticated, Unavailable
from shared.rpc.channel import DEFAULT_TIMEOUT_SECONDS, OPTIONS, Deserializer, Metadata, Serializer, ServiceChannel
from shared.rpc.status import from_rpc_error
from shared.rpc.tls import believed

ENCODING = "table-encoding"
"""The one thing beside its token and its trace that a call tells a registered system."""
MOST_BYTES = 16 * 1024 * 1024
ONLY_IDENTITY = 1
BOUNDS: dict[str, str | int] = {
    "grpc.max_receive_message_length": MOST_BYTES,
    # A short message that unpacks to a long one is not even looked at.
    "grpc.compression_enabled_algorithms_bitset": ONLY_IDENTITY,
}


class TokenNotTaken(Unavailable):
    """The system did not believe the token that was made for it: its fault or ours, never the caller's."""

    reason = "SYSTEM_TOKEN_NOT_TAKEN"


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


class SystemChannel(ServiceChannel):
    """A channel to one registered system."""

    def __init__(self, name: str, raw: grpc.aio.Channel, tokens: SystemTokens) -> None:
        super().__init__(name, raw)
        self._tokens = tokens
        self._methods: dict[str, Any] = {}

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
        """Return the answer of one call, made by itself. Raises PlatformError."""
        method = self._methods.get(method_path)
        if method is None:
            method = self._methods[method_path] = self.raw.unary_unary(method_path, serializer, deserializer)
        try:
            return await method(
                request,
                timeout=DEFAULT_TIMEOUT_SECONDS if timeout is None else timeout,
                metadata=await self._told(metadata),
            )
        except grpc.aio.AioRpcError as error:
            failure = from_rpc_error(error, self.name)
            if isinstance(failure, Unauthenticated):
                # Passed on as it is, a 401 would send the caller to log in again.
                about = {"service": self.name}
                raise TokenNotTaken(f"the {self.name} system did not take its token", metadata=about) from error
            raise failure from error

    async def _told(self, metadata: Metadata) -> list[tuple[str, str]]:
        token = await self._tokens.token(principal.current.get().token, self.name)
        sent = [("authorization", f"Bearer {token}"), *(pair for pair in metadata if pair[0] == ENCODING)]
        trace = telemetry.current.get()
        return [*sent, (telemetry.TRACEPARENT, trace.traceparent)] if trace else sent
