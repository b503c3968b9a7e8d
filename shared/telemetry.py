"""Traces and timings: W3C trace context for every request, OpenTelemetry spans where they are switched on.

Every request has a trace id, also with telemetry off: a ContextVar then holds the ids alone and no span is made.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.settings import ProcessSettings
from shared.telemetry_metrics import Meters

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Span
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRACEPARENT = "traceparent"
VERBS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other word a caller may send as a method would be a label of its own."""
SHAPE = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Trace(NamedTuple):
    """Where in which trace we are, as hexadecimal ids."""

    trace_id: str
    span_id: str
    flags: str = "00"

    @property
    def traceparent(self) -> str:
        """Return the W3C header that lets the next process continue the trace."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


current: ContextVar[Trace | None] = ContextVar("trace", default=None)
"""The trace of the request being served."""


def trace_id() -> str:
    """Return the trace id of the request being served; empty outside of one."""
    trace = current.get()
    return trace.trace_id if trace else ""


def parse(traceparent: str) -> Trace | None:
    """Return what a W3C traceparent header says, or None where it breaks the standard."""
    match = SHAPE.fullmatch(traceparent)
    if match is None:
        return None
    version, trace, span, flags, rest = match.groups()
    wrong = version == "ff" or (version == "00" and rest) or not trace.strip("0") or not span.strip("0")
    return None if wrong else Trace(trace, span, flags)


def continued(traceparent: str) -> Trace:
    """Return a new position in the trace of the caller, or in a new trace where the caller has none."""
    fresh = os.urandom(24).hex()
    parent = parse(traceparent) if traceparent else None
    return Trace(parent.trace_id, fresh[:16], parent.flags) if parent else Trace(fresh[:32], fresh[32:])


class Telemetry:
    """Begins and ends the spans of one process, and holds what it measures."""

    def __init__(self, provider: TracerProvider | None = None, meters: Meters | None = None) -> None:
        self.meters = meters or Meters()
        self._provider = provider
        self._tracer = provider.get_tracer("shared.telemetry") if provider else None

    def begin(self, name: str, traceparent: str = "") -> Span | None:
        """Return the span of a request that begins, None with telemetry off; `current` is set either way."""
        if self._tracer is None:
            current.set(continued(traceparent))
            return None
        return self._begin_span(name, traceparent)

    def _begin_span(self, name: str, traceparent: str) -> Span:
        from opentelemetry import context, trace  # noqa: PLC0415  not loaded where telemetry is off
        from opentelemetry.trace.propagation import tracecontext  # noqa: PLC0415

        assert self._tracer is not None  # noqa: S101  for the type checker
        parent = tracecontext.TraceContextTextMapPropagator().extract({TRACEPARENT: traceparent})
        span = self._tracer.start_span(name, context=parent, kind=trace.SpanKind.SERVER)
        # Never detached: each request runs in a context of its own, and a stream may be closed from another one.
        context.attach(trace.set_span_in_context(span))
        ids = span.get_span_context()
        current.set(Trace(f"{ids.trace_id:032x}", f"{ids.span_id:016x}", f"{ids.trace_flags:02x}"))
        return span

    def end(self, span: Span | None, failure: str = "") -> None:
        """End the span that `begin` returned; `failure` names what went wrong (a code, never a text)."""
        if span is None:
            return
        if failure:
            from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

            span.set_status(Status(StatusCode.ERROR, failure))
        span.end()

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Trace a piece of background work that has no caller."""
        span = self.begin(name)
        try:
            yield
        except BaseException as error:
            self.end(span, type(error).__name__)
            raise
        self.end(span)

    def close(self) -> None:
        """Send what has not been sent yet."""
        if self._provider:
            self._provider.shutdown()


def start(name: str, settings: ProcessSettings, meters: Meters | None = None) -> Telemetry:
    """Return the telemetry of the process called `name`, as TELEMETRY says; metrics are always kept."""
    if settings.telemetry == "off":
        return Telemetry(meters=meters)
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": name}), shutdown_on_exit=False)
    provider.add_span_processor(_exporter(settings))
    return Telemetry(provider, meters)


def _exporter(settings: ProcessSettings) -> SpanProcessor:
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
        BatchSpanProcessor,
        ConsoleSpanExporter,
        SimpleSpanProcessor,
    )

    if settings.telemetry == "console":
        return SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stderr))
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return BatchSpanProcessor(OTLPSpanExporter())


class TraceMiddleware:
    """Continues the caller's trace, or begins one, around every HTTP request and times it. Plain ASGI, for its cost."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request inside its trace."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        name = f"{scope.get('method', 'WEBSOCKET')} {scope['path']}"
        span = self._telemetry.begin(name, _header(scope))
        timed = _Timed(scope, send, self._telemetry.meters) if scope["type"] == "http" else None
        try:
            await self._app(scope, receive, timed or send)
        except BaseException as error:
            self._telemetry.end(span, type(error).__name__)
            raise
        finally:
            if timed is not None:
                timed.end()
        self._telemetry.end(span)


class _Timed:
    """Passes one answer on and counts it under its status and its route, never under its path."""

    __slots__ = ("_began", "_meters", "_scope", "_send", "_status")

    def __init__(self, scope: Scope, send: Send, meters: Meters) -> None:
        self._scope, self._send, self._meters = scope, send, meters
        self._status = 499  # nothing was sent: the caller has gone
        self._began = time.perf_counter()
        meters.active_requests += 1

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
        await self._send(message)

    def end(self) -> None:
        """Count the request."""
        scope, meters = self._scope, self._meters
        meters.active_requests -= 1
        verb = scope["method"] if scope["method"] in VERBS else "_OTHER"
        seconds = time.perf_counter() - self._began
        meters.http_duration.record(seconds, verb, _route(scope), str(self._status))


def _route(scope: Scope) -> str:
    """Return the template of the path a request asked for, as its router left it."""
    return scope.get("http.route") or getattr(scope.get("route"), "path", "") or "unmatched"


def _header(scope: Any) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == b"traceparent"), "")
