"""Contracts put on a FastAPI application: routes, problem documents for all failures, and its OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared import telemetry
from shared.api_keys import RemoteKeyTokens
from shared.errors import BY_CODE, Internal, InvalidArgument, PlatformError
from shared.rpc.access import Verifier
from shared.rpc.channel import ServiceChannel
from shared.systems import SYSTEMS
from shared.transcode import problem
from shared.transcode.backends import Backends
from shared.transcode.contract import Contracts, load_contracts
from shared.transcode.cookies import CookieNames
from shared.transcode.endpoint import Edge, Endpoint
from shared.transcode.openapi import Document
from shared.transcode.routes import RouteTable

OPENAPI_PATH = "/api/v1/openapi.json"
SWAPS_KEYS = "auth.v1.ApiKeyService"


@dataclass(frozen=True)
class Further:
    """The contracts of a system that came while the process ran."""

    title: str
    contracts: Contracts
    endpoints: tuple[Endpoint, ...]


def unchanged(app: ASGIApp) -> ASGIApp:
    """Return the application with nothing around it."""
    return app


class ContractApp(FastAPI):
    """A FastAPI application whose contracts' plain paths are answered before its own machinery is entered.

    That machinery (three middlewares, a router, an exit stack a request) is what most of a small answer's time in
    Python would go to; endpoints of contracts need none of it, as they answer their own failures. What `surround` puts
    around stands around both.
    """

    def __init__(self, *, surround: Callable[[ASGIApp], ASGIApp] = unchanged, **options: Any) -> None:
        super().__init__(openapi_url=OPENAPI_PATH, docs_url=None, redoc_url=None, redirect_slashes=False, **options)
        self._surround = surround
        self.table: RouteTable | None = None
        self.further: tuple[Further, ...] = ()
        self.document_with: Callable[[Collection[Further]], dict[str, Any]] = lambda _: {}
        """Makes the OpenAPI document with these beside the contracts the process began with."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, without looking for the framework's own telemetry: ours is around the application."""
        if scope["type"] == "http":
            await Starlette.__call__(self, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Return what a request goes through."""
        table, machinery = self.table, super().build_middleware_stack()

        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            place = table.plain(scope) if table else None
            if table is None or place is None:
                await machinery(scope, receive, send)
            else:
                scope["path_params"] = {}
                await table.serve(place, scope, receive, send)

        return self._surround(dispatch)

    def publish_further(self, further: Sequence[Further]) -> None:
        """Serve and document these beside the contracts the process began with; those told before are gone."""
        if self.table is None:
            raise Internal("nothing is published yet that this could stand beside")
        self.table.further(endpoint for one in further for endpoint in one.endpoints)
        self.further = tuple(further)
        self.openapi_schema = None


def publish(app: ContractApp, contracts: Contracts, edge: Edge, document: Document) -> RouteTable:
    """Return the routes, now part of the application; `app.openapi()` answers the document."""
    table = RouteTable(contracts.published, edge)
    app.table = table
    app.router.routes.append(table)

    def document_with(further: Collection[Further]) -> dict[str, Any]:
        every = (contracts, *(one.contracts for one in further))
        methods = Contracts(tuple(method for some in every for method in some.methods))
        titles = {method.backend: one.title for one in further for method in one.contracts.methods}
        return document.build(methods, titles)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document_with(app.further)
        return app.openapi_schema

    app.document_with = document_with

    app.openapi = openapi  # type: ignore[method-assign]
    app.add_exception_handler(PlatformError, as_problem)
    app.add_exception_handler(HTTPException, http_as_problem)
    app.add_exception_handler(Exception, as_problem)
    return table


def as_problem(request: Request, error: Exception) -> Response:
    """Return the problem document of a failure in a hand-written endpoint."""
    known = error if isinstance(error, PlatformError) else Internal("something went wrong on our side")
    status, headers, body = problem.response(known, request.url.path, telemetry.trace_id())
    response = Response(body, status)
    response.raw_headers = headers
    return response


def http_as_problem(request: Request, error: Exception) -> Response:
    """Return the problem document of what the framework refuses: an unknown path, a wrong method."""
    return as_problem(request, platform_error(request, error) if isinstance(error, HTTPException) else error)


def platform_error(request: Request, error: HTTPException) -> PlatformError:
    """Return the failure that an HTTP exception stands for."""
    if error.status_code == 404:
        return problem.UnknownPath(f"there is nothing at {request.url.path[:200]}; see {OPENAPI_PATH}")
    if error.status_code == 405:
        return problem.MethodNotAllowed(request.method, offered(request))
    kinds = [kind for kind in BY_CODE.values() if kind.http_status == error.status_code]
    return (kinds[0] if kinds else InvalidArgument)(str(error.detail))


def offered(request: Request) -> list[str]:
    """Return the verbs that hand-written routes offer at the path: the framework tells those of the first alone.

    A path with a field in it that would match too is another path: `/alert-rules/events` is no `/alert-rules/{id}`.
    """
    found = [one for one in by_hand(request.app.router.routes) if one.matches(request.scope)[0] is not Match.NONE]
    return sorted({verb for one in found if one.path == found[0].path for verb in one.methods or ()})


def by_hand(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    """Yield the hand-written HTTP routes among some, also those of a router that was included."""
    for one in routes:
        if isinstance(one, Route):
            yield one
        elif (router := getattr(one, "original_router", None)) is not None:
            yield from by_hand(router.routes)


def service_app(
    name: str,
    services: Collection[str],
    verifier: Verifier,
    *,
    issuer: str = "",
    secure_cookies: bool = True,
    auth: ServiceChannel | None = None,
) -> Callable[[ServiceChannel], FastAPI]:
    """Return what makes one service's own slice of REST over a channel to itself, with its document.

    Args:
        name: name of the service, such as `demand`.
        services: full names of the gRPC services it registers.
        verifier: what its gRPC side verifies tokens with.
        issuer: public root of the platform, by which its cookies are told from those of another on this host.
        secure_cookies: whether cookies travel over TLS alone.
        auth: channel to the service that swaps API keys for tokens; without it none are taken.
    """
    contracts = load_contracts().of(services)

    def swaps(own: ServiceChannel) -> RemoteKeyTokens | None:
        by = own if SWAPS_KEYS in services else auth
        return None if by is None else RemoteKeyTokens(by)

    def make(own: ServiceChannel) -> FastAPI:
        title = next((system.title for system in SYSTEMS if system.name == name), name)
        app = ContractApp(title=title)
        names = CookieNames(issuer, secure_cookies)
        edge = Edge(Backends({name: own}, [name]), verifier, names, api_keys=swaps(own))
        publish(app, contracts, edge, Document(title=title))
        return app

    return make
