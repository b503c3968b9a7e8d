"""The topic `operations`: how each one's long work stands, as every service tells."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Self

import structlog

from gateway.realtime.hub import Hub
from gateway.realtime.listener import Key
from gateway.realtime.topics import OPERATIONS
from protos.common.v1 import operation_pb2, operations_pb2, operations_pb2_grpc
from shared.errors import PlatformError, Unimplemented
from shared.rpc.channel import ServiceChannel
from shared.transcode.encode import Encoders

RECONNECT_SECONDS = (0.2, 3.0)

log = structlog.stdlib.get_logger("gateway")


class OperationsFeed:
    """Follows `OperationService.WatchOperations` of every service. Use as `async with`.

    At first, and after a lost connection, a service tells all that is not done: listeners may hear twice how an
    operation stands, and never miss how it ended while the connection holds.
    """

    def __init__(self, hub: Hub, channels: Mapping[str, ServiceChannel]) -> None:
        self._hub, self._channels = hub, channels
        described: Any = operation_pb2.Operation.DESCRIPTOR
        self._encode = Encoders().message(described)

    async def __aenter__(self) -> Self:
        """Return itself, following."""
        self._tasks = [asyncio.create_task(self._follow(one)) for one in self._channels.values()]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, channel: ServiceChannel) -> None:
        stub: Any = operations_pb2_grpc.OperationServiceStub(channel)  # type: ignore[no-untyped-call]
        pause, longest = RECONNECT_SECONDS
        while True:
            try:
                async for told in stub.WatchOperations(operations_pb2.WatchOperationsRequest(), wait_for_ready=True):
                    pause = RECONNECT_SECONDS[0]
                    self._tell(told)
            except Unimplemented:
                return
            except PlatformError as error:
                log.debug("a service's operations are not told now", reason=error.error_reason)
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    def _tell(self, told: operations_pb2.WatchOperationsResponse) -> None:
        """Publish how an operation stands to whoever began it; its result is asked for where it is wanted."""
        if told.subject:
            told.operation.ClearField("result")
            self._hub.publish([(Key(OPERATIONS, told.subject), self._encode(told.operation))])
