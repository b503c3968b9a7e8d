"""Unary calls to one service, carried in batches over one long-lived stream.

A call of its own costs grpc.aio some 150 µs on this side and as much on the other; on a stream that is paid for each
batch, and calls that come in one turn of the loop, or while one batch is written, make up the next. What travels beside
the request is the same: deadline, token, trace. Source: `protos/common/v1/calls.proto`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence, Sized
from functools import partial
from itertools import count
from math import ceil, inf

import grpc
import structlog
from google.rpc import status_pb2

from protos.common.v1 import calls_pb2
from shared.errors import OutOfRange, PlatformError
from shared.rpc.status import CODES, connection_error, from_status, named

CARRY = "/common.v1.CallService/Carry"
NOT_OFFERED = (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.PERMISSION_DENIED)
"""A service without the stream, and one that takes this process for a stranger: internal methods are not for it."""

MOST_BATCH_BYTES = 1024 * 1024
"""A batch is closed beyond this, so that a long request does not hold up those behind it."""

PART_BYTES = 256 * 1024
"""A longer request is called by itself, and a longer answer comes in parts, so that no call waits for another's."""

ENOUGH_GATHERED = 16
"""Calls that are sent without looking for more: the other side is then at work on them while the next gather."""

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Longer messages are refused, each by itself, however they travel."""

TAKES_PARTS = "takes-parts"
"""Metadata of a stream whose opener puts answers together; one of an earlier release does not."""

log = structlog.stdlib.get_logger("shared.rpc")


class AnswerTooLarge(OutOfRange):
    """The answer is longer than any message may be."""

    reason = "ANSWER_TOO_LARGE"

    def __init__(self) -> None:
        most = MAX_MESSAGE_BYTES // 1024**2
        super().__init__(f"the answer would be longer than {most} MiB; ask for less, such as a smaller page")


class NotCarried(Exception):
    """The service does not offer the stream; its methods must be called one by one."""


class Carrier:
    """The stream to one service, opened by the first call and again by the next one after it broke."""

    def __init__(self, raw: grpc.aio.Channel, service: str) -> None:
        self._raw, self._service = raw, service
        self._stream: Stream | None = None
        self._closing: set[Stream] = set()
        self._closed = False
        self.offered = True
        """False once the service has said that it has no such stream."""

    async def call(self, method: str, request: bytes, timeout: float, metadata: Mapping[str, str]) -> bytes:  # noqa: ASYNC109
        """Return the serialized answer. Raises PlatformError, or NotCarried where the service gives no stream.

        Args:
            method: path of the method, `/package.Service/Method`.
            request: the serialized request.
            timeout: seconds that the caller waits.
            metadata: what goes along with the call.
        """
        if self._closed:
            raise connection_error(grpc.StatusCode.UNAVAILABLE, "", self._service)
        stream = self._stream
        if stream is None or stream.ended:
            stream = self._stream = self._opened()
        try:
            return await stream.call(method, request, timeout, metadata)
        except NotCarried:
            if self.offered:
                log.warning("calls go one by one: the service gives us no stream", service=self._service)
            self.offered = False
            raise

    def _opened(self) -> Stream:
        stream = Stream(self._raw, self._service)
        self._closing.add(stream)
        stream.reading.add_done_callback(lambda _: self._closing.discard(stream))
        return stream

    async def close(self) -> None:
        """End every stream; what still waits is told so."""
        self._closed = True
        streams = tuple(self._closing)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*(stream.reading for stream in streams), return_exceptions=True)


class Stream:
    """One stream from opening to end."""

    def __init__(self, raw: grpc.aio.Channel, service: str) -> None:
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._ids = count(1)
        self._waiting: dict[int, tuple[asyncio.Future[bytes], float]] = {}
        self._parts: dict[int, bytearray] = {}
        """Beginnings of long answers."""
        self._queue: dict[int, calls_pb2.Call] = {}
        self._idle: asyncio.Future[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf
        self.ended = False
        """True once no further call may be put on it."""
        self._call = raw.stream_stream(
            CARRY, calls_pb2.CarryRequest.SerializeToString, calls_pb2.CarryResponse.FromString
        )(metadata=((TAKES_PARTS, "1"),))
        self.reading = asyncio.create_task(self._read())
        self._writing = asyncio.create_task(self._write())

    async def call(self, method: str, request: bytes, timeout: float, metadata: Mapping[str, str]) -> bytes:  # noqa: ASYNC109
        """Return the serialized answer. Raises PlatformError or NotCarried."""
        number = next(self._ids)
        end = self._loop.time() + timeout
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting[number] = (future, end)
        self._watch(end)
        self._put(
            calls_pb2.Call(
                id=number, method=method, request=request, timeout_ms=ceil(timeout * 1000), metadata=metadata
            )
        )
        try:
            return await future
        except asyncio.CancelledError:
            self._forget(number)
            raise

    def cancel(self) -> None:
        """Break the stream off."""
        self.ended = True
        self._call.cancel()

    def _put(self, call: calls_pb2.Call) -> None:
        self._queue[call.id] = call
        self._wake()

    def _wake(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _forget(self, number: int) -> None:
        """Let the other side stop its work for a call that nobody waits for."""
        if self._waiting.pop(number, None) is None or self._queue.pop(number, None) is not None:
            return
        self._parts.pop(number, None)
        if not self.ended:
            self._put(calls_pb2.Call(id=number))

    # Deadlines: one timer for the next that may pass, not one for each call.

    def _watch(self, end: float) -> None:
        if end < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_at = end
            self._alarm = self._loop.call_at(end, self._expire)

    def _expire(self) -> None:
        now = self._loop.time()
        self._alarm, self._alarm_at = None, inf
        for number in [number for number, (_, end) in self._waiting.items() if end <= now]:
            future, _ = self._waiting[number]
            self._forget(number)
            if not future.done():
                future.set_exception(connection_error(grpc.StatusCode.DEADLINE_EXCEEDED, "", self._service))
        if self._waiting:
            self._watch(min(end for _, end in self._waiting.values()))

    async def _write(self) -> None:
        try:
            while not (self.ended and not self._queue):
                if not self._queue:
                    self._idle = self._loop.create_future()
                    await self._idle
                await gathered(self._queue)
                if self._queue:
                    await self._call.write(calls_pb2.CarryRequest(calls=self._batch()))
            await self._call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass  # the stream has broken; reading tells everybody why

    def _batch(self) -> Sequence[calls_pb2.Call]:
        size = 0
        batch: list[calls_pb2.Call] = []
        for call in self._queue.values():
            size += len(call.request)
            if size > MOST_BATCH_BYTES and batch:
                break
            batch.append(call)
        for call in batch:
            del self._queue[call.id]
        return batch

    async def _read(self) -> None:
        failure: Callable[[], Exception] = partial(connection_error, grpc.StatusCode.UNAVAILABLE, "", self._service)
        try:
            async for batch in self._call:
                for answer in batch.answers:
                    self._settle(answer)
                if batch.stopping:
                    self.ended = True
                    self._wake()
        except grpc.aio.AioRpcError as error:
            if error.code() in NOT_OFFERED:
                failure = NotCarried
            else:  # how the stream ended says nothing of what became of the calls on it
                failure = partial(connection_error, grpc.StatusCode.UNAVAILABLE, error.details() or "", self._service)
        except asyncio.CancelledError:
            if not self._call.cancelled():
                raise
        finally:
            self._end(failure)

    def _settle(self, answer: calls_pb2.Answer) -> None:
        outcome = answer.WhichOneof("outcome")
        if outcome == "part":
            self._begun(answer.id, answer.part)
            return
        waiting = self._waiting.pop(answer.id, None)
        if waiting is None or waiting[0].done():
            return
        begun = self._parts.pop(answer.id, None) if self._parts else None
        if outcome == "response":
            waiting[0].set_result(answer.response if begun is None else bytes(begun + answer.response))
        else:
            waiting[0].set_exception(raised(answer.failure, self._service))

    def _begun(self, number: int, part: bytes) -> None:
        """Keep the next bytes of a long answer, as long as somebody waits for it and it is not too long."""
        waiting = self._waiting.get(number)
        if waiting is None:
            return
        begun = self._parts.setdefault(number, bytearray())
        begun += part
        if len(begun) > MAX_MESSAGE_BYTES:
            self._forget(number)
            if not waiting[0].done():
                waiting[0].set_exception(AnswerTooLarge())

    def _end(self, failure: Callable[[], Exception]) -> None:
        """Tell everybody who still waits that no answer will come on this stream."""
        self.ended = True
        self._writing.cancel()
        if self._alarm is not None:
            self._alarm.cancel()
        waiting, self._waiting = self._waiting, {}
        for future, _ in waiting.values():
            if not future.done():
                future.set_exception(failure())


async def gathered(waiting: Sized) -> None:
    """Return once a turn of the event loop has brought no further call to send, or there are enough.

    A message costs some ten times what a call in it does, and calls come in crowds: who reads many sockets in one turn
    has many calls to make in the next.
    """
    seen = 0
    while seen < len(waiting) < ENOUGH_GATHERED:
        seen = len(waiting)
        await asyncio.sleep(0)


def raised(failure: bytes, service: str) -> PlatformError:
    """Return the error that a carried failure stands for."""
    status = status_pb2.Status.FromString(failure)
    error = from_status(status)
    return connection_error(CODES[status.code], status.message, service) if error is None else named(error, service)
