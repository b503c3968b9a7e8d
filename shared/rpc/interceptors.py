"""What happens around every call that a service answers: trace, deadline, caller, errors.

One wrapper does it all, put around each method once, when its service is registered. Interceptors of grpc.aio would
do the same for each call again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, NoReturn, TypeAlias

import grpc
import structlog

from shared import client, page, principal, telemetry
from shared.errors import Internal, PlatformError, Unavailable
from shared.rpc import deadline
from shared.rpc.access import Door, Guard, bearer
from shared.rpc.status import DETAILS_KEY, to_status

log = structlog.stdlib.get_logger("shared.rpc")

Handler: TypeAlias = grpc.RpcMethodHandler
Context: TypeAlias = grpc.aio.ServicerContext
Unary = Callable[[Any, Context], Awaitable[Any]]
Stream = Callable[[Any, Context], AsyncIterator[Any]]


class ServiceStopping(Unavailable):
    """The process that watched is stopping; another one, or the next one, goes on."""

    reason = "SERVICE_STOPPING"


def stopping() -> ServiceStopping:
    """Return the error that ends a watch."""
    return ServiceStopping("this process is stopping; watch again")


async def abort(context: Context, error: PlatformError) -> NoReturn:
    """End the call with the error, details and all."""
    status = to_status(error)
    await context.abort(error.code, error.detail, ((DETAILS_KEY, status.SerializeToString()),))
    raise error  # abort has raised already; this is for the type checker


class Interceptor:
    """Wraps every method of our services."""

    def __init__(self, guard: Guard, traces: telemetry.Telemetry) -> None:
        self._guard = guard
        self._traces = traces
        self._watches: set[asyncio.Timeout] = set()
        self._stopping = False
        self.unary: dict[str, Handler] = {}
        """Every unary method registered, wrapped, by its path."""

    def register(self, servicer: Any, add: Callable[[Any, Any], None], server: grpc.aio.Server) -> None:
        """Add the servicer to the server by its generated `add_…_to_server`, each method wrapped."""
        add(servicer, _Registrar(server, self._kept))

    def end_watches(self) -> None:
        """End the streams that would never end by themselves and begin no more: stopping must not wait for them."""
        self._stopping = True
        for watch in tuple(self._watches):
            watch.reschedule(asyncio.get_running_loop().time())

    def _kept(self, handler: Handler, method: str) -> Handler:
        wrapped = self.wrapped(handler, method)
        if not (handler.request_streaming or handler.response_streaming):
            self.unary[method] = wrapped
        return wrapped

    def wrapped(self, handler: Handler, method: str) -> Handler:
        """Return the handler of `/package.Service/Method` with all that happens around it."""
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[handler.request_streaming, handler.response_streaming]
        inner = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        outer = self._stream(inner, method) if handler.response_streaming else self._unary(inner, method)
        return make(outer, handler.request_deserializer, handler.response_serializer)

    def _unary(self, inner: Unary, method: str) -> Unary:
        async def unary(request: Any, context: Context) -> Any:
            async with self._call(method, request, context):
                return await inner(request, context)

        return unary

    def _stream(self, inner: Stream, method: str) -> Stream:
        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self._call(method, request, context):
                async for message in self._messages(inner(request, context), method):
                    yield message

        return stream

    async def _messages(self, messages: AsyncIterator[Any], method: str) -> AsyncIterator[Any]:
        if self._guard.policies[method].door is not Door.INTERNAL:
            async for message in messages:
                yield message
            return
        if self._stopping:
            raise stopping()
        watch = asyncio.timeout(None)
        self._watches.add(watch)
        try:
            async with watch:
                async for message in messages:
                    yield message
        except TimeoutError:
            if not watch.expired():
                raise
            raise stopping() from None
        finally:
            self._watches.discard(watch)

    @asynccontextmanager
    async def _call(self, method: str, request: Any, context: Context) -> AsyncIterator[None]:
        headers = dict(context.invocation_metadata() or ())
        span = self._traces.begin(method, headers.get(telemetry.TRACEPARENT, ""))
        failure, began = "", time.perf_counter()
        try:
            deadline.begin(context.time_remaining())
            page.begin(headers.get(page.ROWS_KEY, ""))
            token, peer = bearer(headers.get("authorization", "")), context.peer()
            told = headers.get(client.HEADER, "") if self._guard.inside(peer) else ""
            client.arrived.set(client.Arrival(peer, told))
            principal.current.set(await self._guard.admit(method, request, token, peer))
            yield
        except grpc.aio.AbortError:
            failure = "ABORTED"
            raise
        except PlatformError as error:
            failure = error.error_reason
            await self._refuse(method, context, error)
        except Exception:
            failure = "INTERNAL"
            log.exception("a call failed", method=method)
            await abort(context, Internal("something went wrong on our side; the log has it under the trace id"))
        except BaseException:  # cancelled, or the reader of a stream has left
            failure = "CANCELLED"
            raise
        finally:
            self._traces.end(span, failure)
            self._traces.meters.rpc_server.record(time.perf_counter() - began, method, failure or "OK")

    async def _refuse(self, method: str, context: Context, error: PlatformError) -> None:
        ours = error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if ours and not isinstance(error, ServiceStopping):  # a stop is told once, not for each watch it ends
            log.warning("a call failed", method=method, reason=error.error_reason, detail=error.detail)
        await abort(context, error)


class _Registrar:
    """Stands in for the server where generated code adds its methods, and wraps them on their way."""

    def __init__(self, server: grpc.aio.Server, wrap: Callable[[Handler, str], Handler]) -> None:
        self._server = server
        self._wrap = wrap

    def add_generic_rpc_handlers(self, _handlers: object) -> None:
        """Add nothing: the same methods come by name below, and these could not be wrapped."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """Add the methods of one service, wrapped."""
        wrapped = {name: self._wrap(handler, f"/{service}/{name}") for name, handler in handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, wrapped),))
        self._server.add_registered_method_handlers(service, wrapped)
