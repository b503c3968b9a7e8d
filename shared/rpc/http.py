"""The HTTP side of a process: uvicorn on the process's own loop, with its hands off the signals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn

from shared import logs, telemetry
from shared.rpc.joined import JoinedProtocol, Refuse
from shared.rpc.metrics import MetricsApp
from shared.rpc.process import address_in_use, settled, stopping
from shared.settings import ProcessSettings
from shared.telemetry_metrics import Meters

if TYPE_CHECKING:
    from starlette.types import ASGIApp

DRAIN_SECONDS = 5
BACKLOG = 4096
Leaving = Callable[[], Awaitable[None]]
NO_WEB_SOCKETS: Mapping[str, Any] = MappingProxyType({"ws": "none"})

log = structlog.stdlib.get_logger("shared.rpc")


class HttpServer(uvicorn.Server):
    """A uvicorn server that leaves the signals to the process and tells when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: the process has one owner of signals, and it is not the web server."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then let `serving` know."""
        await super().startup(sockets)
        self.serving.set()


def bind(address: str) -> socket.socket:
    """Return a socket listening at `host:port`. Raises AddressInUse."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
        # Connections inherit it. asyncio's own loop sets it only on sockets that name TCP, which these do not; without
        # it a body waits some 40 ms for the head to be acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise address_in_use(address, "HTTP_ADDRESS") from error


def bound_address(listener: socket.socket) -> str:
    """Return `host:port` of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@asynccontextmanager
async def http_server(
    app: ASGIApp,
    address: str,
    traces: telemetry.Telemetry,
    metrics_token: str = "",
    *,
    refuse: Refuse | None = None,
    web_sockets: Mapping[str, Any] = NO_WEB_SOCKETS,
) -> AsyncIterator[str]:
    """Serve `app` and /metrics and give the address they are served at; leaving finishes the requests in flight.

    `refuse` turns requests away before they are read. `web_sockets` is what uvicorn is told of those; by default an
    upgrade is not taken.
    """
    listener = bind(address)
    where = bound_address(listener)
    config = uvicorn.Config(
        telemetry.TraceMiddleware(MetricsApp(app, traces.meters, metrics_token), traces),
        # Typed as a class; uvicorn only calls it.
        http=partial(JoinedProtocol, refuse=refuse),  # type: ignore[arg-type]
        log_config=None,
        access_log=False,
        # Who the caller is behind a proxy is the application's to judge, by its own list of proxies.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        backlog=BACKLOG,
        **web_sockets,
    )
    server = HttpServer(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        await server.serving.wait()
        yield where
    finally:
        server.should_exit = True
        await task
        listener.close()


async def serve_http(
    name: str,
    settings: ProcessSettings,
    app: ASGIApp,
    meters: Meters | None = None,
    *,
    refuse: Refuse | None = None,
    web_sockets: Mapping[str, Any] = NO_WEB_SOCKETS,
    leaving: Leaving | None = None,
) -> None:
    """Serve `app` alone, as the gateway does, until a signal comes or the supervisor is gone.

    `leaving` is awaited then, while requests are still taken.
    """
    logs.configure(name, settings)
    traces = telemetry.start(name, settings, meters)
    serving = http_server(
        app, settings.http_address, traces, settings.metrics_token, refuse=refuse, web_sockets=web_sockets
    )
    try:
        async with stopping(settings) as stop, serving as address:
            log.info("serving", http=address)
            settled()
            await stop.wait()
            log.info("stopping")
            if leaving is not None:
                await leaving()
    finally:
        traces.close()
