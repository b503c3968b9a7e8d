"""common.v1.OperationService over the operations of one service; every service registers it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC
from typing import TypeAlias

import grpc

from protos.common.v1 import operation_pb2, operations_pb2, operations_pb2_grpc
from protos.common.v1.operations_pb2_grpc import add_OperationServiceServicer_to_server as add_operations
from shared import principal
from shared.operations.operation import (
    Operation,
    Place,
    Source,
    as_seen_by,
    concerns,
    is_visible,
    manages,
    not_found,
)
from shared.rpc.server import Service

Context: TypeAlias = grpc.aio.ServicerContext


class OperationServicer(operations_pb2_grpc.OperationServiceServicer):
    """How the long work of one service stands. What a caller may not see is not found."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def GetOperation(  # noqa: N802
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.GetOperationResponse:
        """Return one operation."""
        found = await self._visible(request.service, request.id)
        return operations_pb2.GetOperationResponse(operation=await seen_message(found))

    async def CancelOperation(  # noqa: N802
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> operations_pb2.CancelOperationResponse:
        """Return one operation after telling it to end."""
        await self._visible(request.service, request.id)
        found = await self._source.cancel(request.id)
        return operations_pb2.CancelOperationResponse(operation=await seen_message(found))

    async def ListOperations(  # noqa: N802
        self, request: operations_pb2.ListOperationsRequest, context: Context
    ) -> operations_pb2.ListOperationsResponse:
        """Return the caller's operations, newest first, without results."""
        caller, service = principal.current.get(), self._source.service
        everybody = request.all and manages(caller, service)
        if not everybody and not (caller.subject and concerns(caller, service)):
            return operations_pb2.ListOperationsResponse()
        before = None
        if request.HasField("before_at"):
            before = Place(request.before_at.ToDatetime(UTC), request.before_name)
        found, total = await self._source.page(None if everybody else caller.subject, before, request.page_size or 50)
        return operations_pb2.ListOperationsResponse(items=map(operation_message, found), total_size=total)

    async def WatchOperations(  # noqa: N802
        self, request: operations_pb2.WatchOperationsRequest, context: Context
    ) -> AsyncIterator[operations_pb2.WatchOperationsResponse]:
        """Yield each operation whenever it changes."""
        async for found in self._source.watch():
            yield operations_pb2.WatchOperationsResponse(operation=operation_message(found), subject=found.owner)

    async def _visible(self, service: str, operation_id: str) -> Operation:
        if service != self._source.service:
            raise not_found(service[:64], operation_id)
        found = await self._source.get(operation_id)
        if not is_visible(found, principal.current.get()):
            raise not_found(service, operation_id)
        return found


async def seen_message(found: Operation) -> operation_pb2.Operation:
    """Return the message of an operation as the caller may see it."""
    # A long result takes a while to turn into a message.
    return await asyncio.to_thread(operation_message, as_seen_by(principal.current.get(), found))


def operation_message(found: Operation) -> operation_pb2.Operation:
    """Return the message of an operation."""
    message = operation_pb2.Operation(
        name=found.name,
        done=found.is_done,
        progress_pct=round(found.progress_pct, 1),
        phrase=found.phrase,
        kind=found.kind,
        cancellable=found.is_cancellable and not found.is_done,
    )
    message.created_at.FromDatetime(found.created_at)
    if found.ended_at is not None:
        message.ended_at.FromDatetime(found.ended_at)
    if found.reason:
        message.error.reason, message.error.detail = found.reason, found.detail
    elif found.result is not None:
        message.result.update(found.result)
    return message


class NoOperations:
    """The operations of a service that has none."""

    def __init__(self, service: str) -> None:
        self.service = service

    async def get(self, operation_id: str) -> Operation:
        """Raise OperationNotFound."""
        raise not_found(self.service, operation_id)

    async def cancel(self, operation_id: str) -> Operation:
        """Raise OperationNotFound."""
        raise not_found(self.service, operation_id)

    async def page(self, owner: str | None, before: Place | None, size: int) -> tuple[Sequence[Operation], int]:
        """Return nothing."""
        return (), 0

    async def watch(self) -> AsyncIterator[Operation]:
        """Yield nothing, for as long as anybody waits."""
        nothing: tuple[Operation, ...] = ()
        await asyncio.Event().wait()
        for one in nothing:
            yield one


def operation_service(source: Source) -> Service:
    """Return what a service registers beside its own."""
    descriptor = operations_pb2.DESCRIPTOR.services_by_name["OperationService"]
    return Service(OperationServicer(source), descriptor, add_operations)
