"""The other end of shared.rpc.carrier: calls that came over one stream, answered as if each had come alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import NoReturn, TypeAlias

import grpc
import structlog
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from protos.common.v1 import calls_pb2, calls_pb2_grpc
from shared.errors import Internal, InvalidArgument, PlatformError, Unimplemented
from shared.rpc.access import Guard
from shared.rpc.carrier import CARRY, MAX_MESSAGE_BYTES, MOST_BATCH_BYTES, PART_BYTES, TAKES_PARTS, AnswerTooLarge
from shared.rpc.status import DETAILS_KEY, to_status

CRASHED = Internal("something went wrong on our side; the log has more")

Handler: TypeAlias = grpc.RpcMethodHandler
Context: TypeAlias = grpc.aio.ServicerContext
Trailing = tuple[tuple[str, str | bytes], ...]

log = structlog.stdlib.get_logger("shared.rpc")


class CallEnded(grpc.aio.AbortError):  # type: ignore[misc]
    """A carried call was aborted; `status` is the google.rpc.Status to answer with."""

    def __init__(self, status: bytes) -> None:
        super().__init__("the call was aborted")
        self.status = status


class CarriedContext:
    """What a servicer may ask of the context of its call."""

    __slots__ = ("_end", "_metadata", "_peer")

    def __init__(self, call: calls_pb2.Call, peer: str) -> None:
        self._metadata = tuple(call.metadata.items())
        self._end = time.monotonic() + call.timeout_ms / 1000
        self._peer = peer

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """Return what went along with the call."""
        return self._metadata

    def time_remaining(self) -> float:
        """Return the seconds that the caller still waits."""
        return self._end - time.monotonic()

    def peer(self) -> str:
        """Return where the stream comes from."""
        return self._peer

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Trailing = ()) -> NoReturn:
        """End the call. Raises CallEnded."""
        known = dict(trailing_metadata).get(DETAILS_KEY)
        plain = status_pb2.Status(code=code.value[0], message=details)
        raise CallEnded(known if isinstance(known, bytes) else plain.SerializeToString())


class CallServicer(calls_pb2_grpc.CallServiceServicer):
    """Answers carried calls by the very handlers that answer single ones."""

    def __init__(self, handlers: Mapping[str, Handler], guard: Guard) -> None:
        self._handlers, self._guard = handlers, guard
        self._streams: set[Carried] = set()
        self._stopping = False

    async def Carry(  # noqa: N802
        self, requests: AsyncIterator[calls_pb2.CarryRequest], context: Context
    ) -> AsyncIterator[calls_pb2.CarryResponse]:
        """Yield answers until the other side has no more calls and all are answered."""
        try:
            await self._guard.admit(CARRY, None, "", context.peer())
        except PlatformError as error:
            await context.abort(error.code, error.detail, ((DETAILS_KEY, to_status(error).SerializeToString()),))
        in_parts = any(name == TAKES_PARTS for name, _ in context.invocation_metadata() or ())
        stream = Carried(self._handlers, context.peer(), PART_BYTES if in_parts else MAX_MESSAGE_BYTES)
        self._streams.add(stream)
        if self._stopping:
            stream.stop()
        reading = asyncio.create_task(stream.read(requests))
        try:
            async for answers in stream.answers():
                yield answers
        finally:
            self._streams.discard(stream)
            reading.cancel()
            stream.cancel()

    def stop(self) -> None:
        """Ask the other sides to go elsewhere; what they have sent is still answered."""
        self._stopping = True
        for stream in self._streams:
            stream.stop()


class Carried:
    """The calls of one stream."""

    def __init__(self, handlers: Mapping[str, Handler], peer: str, part_bytes: int) -> None:
        self._handlers, self._peer, self._part_bytes = handlers, peer, part_bytes
        self._running: dict[int, asyncio.Task[None]] = {}
        self._done: list[calls_pb2.Answer] = []
        self._long: dict[int, memoryview] = {}
        """What is left of long answers; the one whose turn it is comes first."""
        self._idle: asyncio.Future[None] | None = None
        self._stopping = self._told = self._complete = False

    async def read(self, requests: AsyncIterator[calls_pb2.CarryRequest]) -> None:
        """Begin the calls as they come, until the other side has no more."""
        try:
            async for batch in requests:
                for call in batch.calls:
                    self._begin(call)
        finally:
            self._complete = True
            self._wake()

    def _begin(self, call: calls_pb2.Call) -> None:
        if call.method:
            self._running[call.id] = asyncio.create_task(self._answer(call))
        elif task := self._running.pop(call.id, None):
            task.cancel()
        else:
            self._long.pop(call.id, None)

    async def answers(self) -> AsyncIterator[calls_pb2.CarryResponse]:
        """Yield what is done, in as few messages as the other side can take it in."""
        while True:
            tell = self._stopping and not self._told
            if self._done or self._long or tell:
                self._told = self._stopping
                yield calls_pb2.CarryResponse(answers=self._batch(), stopping=tell)
            elif self._complete and not self._running:
                return
            else:
                self._idle = asyncio.get_running_loop().create_future()
                await self._idle

    def _batch(self) -> list[calls_pb2.Answer]:
        """Return what goes out next: short answers, and a part of one long one."""
        if not self._long:
            return self._short()
        number, left = next(iter(self._long.items()))
        del self._long[number]
        part = bytes(left[: self._part_bytes])
        if len(left) <= self._part_bytes:
            return [*self._short(), calls_pb2.Answer(id=number, response=part)]
        self._long[number] = left[self._part_bytes :]
        return [*self._short(), calls_pb2.Answer(id=number, part=part)]

    def _short(self) -> list[calls_pb2.Answer]:
        size = 0
        for number, answer in enumerate(self._done):
            size += len(answer.response)
            if size > MOST_BATCH_BYTES and number:
                batch, self._done = self._done[:number], self._done[number:]
                return batch
        batch, self._done = self._done, []
        return batch

    async def _answer(self, call: calls_pb2.Call) -> None:
        answer = calls_pb2.Answer(id=call.id)
        try:
            response = await self._response(call)
            if len(response) > self._part_bytes:
                self._running.pop(call.id, None)
                self._long[call.id] = memoryview(response)
                self._wake()
                return
            answer.response = response
        except CallEnded as ended:
            answer.failure = ended.status
        except PlatformError as error:
            answer.failure = to_status(error).SerializeToString()
        except asyncio.CancelledError:
            if self._running.get(call.id) is not asyncio.current_task():
                raise  # the caller took it back
            answer.failure = to_status(CRASHED).SerializeToString()
        except Exception:
            log.exception("a call failed", method=call.method)
            answer.failure = to_status(CRASHED).SerializeToString()
        # Not where it was cancelled: then nobody waits for the answer.
        self._running.pop(call.id, None)
        self._done.append(answer)
        self._wake()

    async def _response(self, call: calls_pb2.Call) -> bytes:
        handler = self._handlers.get(call.method)
        if handler is None:
            raise Unimplemented(f"{call.method[:200]} is not a unary method of this service")
        try:
            request = handler.request_deserializer(call.request)
        except DecodeError as error:
            raise InvalidArgument("the request is not the message that this method takes") from error
        context = CarriedContext(call, self._peer)
        response: bytes = handler.response_serializer(await handler.unary_unary(request, context))
        if len(response) > MAX_MESSAGE_BYTES:
            raise AnswerTooLarge()
        return response

    def stop(self) -> None:
        """Tell the other side to go elsewhere."""
        self._stopping = True
        self._wake()

    def cancel(self) -> None:
        """Stop what is running: nobody waits for it."""
        for task in self._running.values():
            task.cancel()

    def _wake(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
