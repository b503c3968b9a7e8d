"""All endpoints of a process behind one route: a dictionary for plain paths, patterns for the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.transcode.contract import Method
from shared.transcode.endpoint import Edge, Endpoint, send_problem
from shared.transcode.problem import MethodNotAllowed
from shared.transcode.template import PathTemplate


class Place:
    """One path with an endpoint for each HTTP method it offers; HEAD comes with GET."""

    def __init__(self, template: PathTemplate) -> None:
        self.template = template
        self.verbs: dict[str, ASGIApp] = {}

    def add(self, verb: str, endpoint: ASGIApp) -> None:
        """Offer one more HTTP method; the endpoint that was told first stays."""
        self.verbs.setdefault(verb, endpoint)
        if verb == "GET":
            self.verbs.setdefault("HEAD", endpoint)


def placed(endpoints: Iterable[Endpoint]) -> tuple[dict[str, Place], list[Place]]:
    """Return the places of endpoints: those of plain paths by path, and those with fields in their order."""
    shapes: dict[str, Place] = {}
    for endpoint in endpoints:
        rule = endpoint.method.rule
        shapes.setdefault(rule.template.shape, Place(rule.template)).add(rule.verb, endpoint)
    exact = {place.template.text: place for place in shapes.values() if not place.template.fields}
    return exact, [place for place in shapes.values() if place.template.fields]


class RouteTable(BaseRoute):
    """The route that finds the endpoint of a request."""

    def __init__(self, methods: Iterable[Method], edge: Edge) -> None:
        self._own = tuple(Endpoint(method, edge) for method in methods)
        self._exact, self._patterns = placed(self._own)

    def further(self, endpoints: Iterable[Endpoint]) -> None:
        """Serve these too, none of which stands where an own one does; those told before are gone."""
        self._exact, self._patterns = placed((*self._own, *endpoints))

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths served."""
        return (*self._exact, *(place.template.text for place in self._patterns))

    def plain(self, scope: Scope) -> Place | None:
        """Return the place of a request whose path has no fields in it."""
        return self._exact.get(scope["path"]) if scope["type"] == "http" else None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the place of a request's path, whatever its HTTP method."""
        if scope["type"] != "http":
            return Match.NONE, {}
        place = self._exact.get(scope["path"])
        if place is not None:
            return Match.FULL, {"place": place, "path_params": {}}
        return self._templated(scope)

    def _templated(self, scope: Scope) -> tuple[Match, Scope]:
        # Percent-encoded slashes belong to a field, so the path is matched before it is decoded.
        path = (scope.get("raw_path") or scope["path"].encode()).split(b"?", 1)[0].decode("latin-1")
        for place in self._patterns:
            found = place.template.match(path)
            if found is not None:
                return Match.FULL, {"place": place, "path_params": found}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by the endpoint of its HTTP method."""
        await self.serve(scope["place"], scope, receive, send)

    async def serve(self, place: Place, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a place by the endpoint of its HTTP method."""
        scope["http.route"] = place.template.text
        endpoint = place.verbs.get(scope["method"])
        if endpoint is None:
            await send_problem(MethodNotAllowed(scope["method"], sorted(place.verbs)), scope, send)
        else:
            await endpoint(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Raise NoMatchFound: places have no names, their paths stand in the contracts."""
        raise NoMatchFound(name, path_params)
