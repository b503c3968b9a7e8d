"""The requests of /api/v1/alert-rules: who asks, with what, and what is answered. Written by hand."""

from __future__ import annotations

from typing import Any, cast

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from gateway.alerts.endpoints import AlertEndpoints
from gateway.door import Door
from gateway.health import NO_STORE
from shared.errors import FieldError, InvalidArgument
from shared.page import InvalidPageToken
from shared.principal import Principal
from shared.rpc.access import OwnSessionOnly
from shared.transcode.body import parsed_object, read_bytes

PATH = "/api/v1/alert-rules"
EVENTS = PATH + "/events"
"""No rule is called so: an id is 32 hexadecimal digits."""
LONGEST_BODY = 32 * 1024
PAGE, LARGEST_PAGE = 50, 200
TEST_COST = 10


def router(door: Door, alerts: AlertEndpoints) -> APIRouter:
    """Return the endpoints."""
    routes, asked = APIRouter(include_in_schema=False), Requests(door, alerts)
    for path, verb, endpoint in (
        (PATH, "GET", asked.list_rules),
        (PATH, "POST", asked.create_rule),
        (EVENTS, "GET", asked.list_all_events),  # before the path with an id, which would take it for one
        (PATH + "/{id}", "GET", asked.get_rule),
        (PATH + "/{id}", "PATCH", asked.change_rule),
        (PATH + "/{id}", "DELETE", asked.delete_rule),
        (PATH + "/{id}/events", "GET", asked.list_events),
        (PATH + "/{id}/test", "POST", asked.test_rule),
    ):
        routes.add_api_route(path, endpoint, methods=[verb, "HEAD"] if verb == "GET" else [verb])
    return routes


class Requests:
    """What each request is turned into."""

    def __init__(self, door: Door, alerts: AlertEndpoints) -> None:
        self._door, self._alerts = door, alerts

    async def list_rules(self, request: Request) -> Response:
        """Return the rules."""
        caller = await self._door.admit(request)
        asked = parameters(request, "all").get("all", "false")
        if asked not in ("true", "false"):
            raise InvalidArgument("all must be true or false")
        return told(await self._alerts.rules(caller, asked == "true"))

    async def create_rule(self, request: Request) -> Response:
        """Return a new rule."""
        caller = await self._person(request)
        parameters(request)
        made = await self._alerts.create(caller, await body_of(request))
        return told(made, 201, Location=f"{PATH}/{made['id']}")

    async def list_all_events(self, request: Request) -> Response:
        """Return what happened to all rules of the caller."""
        caller = await self._door.admit(request)
        return told(await self._alerts.all_events(caller, *place(request)))

    async def get_rule(self, request: Request) -> Response:
        """Return one rule."""
        caller = await self._door.admit(request)
        parameters(request)
        return told(await self._alerts.get(caller, request.path_params["id"]))

    async def change_rule(self, request: Request) -> Response:
        """Return a rule with what the body says changed."""
        caller = await self._person(request)
        parameters(request)
        return told(await self._alerts.change(caller, request.path_params["id"], await body_of(request)))

    async def delete_rule(self, request: Request) -> Response:
        """Return nothing: the rule is gone."""
        caller = await self._person(request)
        parameters(request)
        await self._alerts.delete(caller, request.path_params["id"])
        return told({})

    async def list_events(self, request: Request) -> Response:
        """Return what happened to one rule."""
        caller = await self._door.admit(request)
        return told(await self._alerts.events(caller, request.path_params["id"], *place(request)))

    async def test_rule(self, request: Request) -> Response:
        """Return a test event."""
        caller = await self._person(request, TEST_COST)
        parameters(request)
        return told(await self._alerts.test(caller, request.path_params["id"]))

    async def _person(self, request: Request, cost: int = 1) -> Principal:
        """Return the caller, who must be there in person: a rule outlives a program's key."""
        caller = await self._door.admit(request, cost=cost)
        if caller.client_id:
            raise OwnSessionOnly("this is not for programs that act for somebody; log in and do it yourself")
        return caller


def told(content: dict[str, Any], status: int = 200, **headers: str) -> JSONResponse:
    """Return an answer that nobody keeps."""
    return JSONResponse(content, status, headers={**NO_STORE, **headers})


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request brings."""
    headers = dict(request.scope["headers"])
    return parsed_object(headers, await read_bytes(headers, request.receive, LONGEST_BODY))


def parameters(request: Request, *names: str) -> dict[str, str]:
    """Return the parameters of a query. Raises InvalidArgument for one that the endpoint does not have."""
    found = dict(cast(Any, request.query_params).items())
    wrong = sorted(set(found) - set(names))
    if wrong:
        raise InvalidArgument(f"{wrong[0][:60]!r} is not a parameter of this endpoint")
    return found


def place(request: Request) -> tuple[int, int | None]:
    """Return the size of the page of events that is asked for, and the event that it comes after."""
    asked = parameters(request, "page_size", "page_token")
    size = whole(asked.get("page_size", str(PAGE)), "page_size", LARGEST_PAGE)
    return size, event_id(asked["page_token"]) if asked.get("page_token") else None


def event_id(page_token: str) -> int:
    """Return the event that a page ended with. Raises InvalidPageToken."""
    try:
        return whole(page_token, "page_token", 2**53)
    except InvalidArgument as error:
        raise InvalidPageToken("the page token is none of this list's", errors=error.errors) from None


def whole(text: str, name: str, most: int) -> int:
    """Return the whole number in a parameter. Raises InvalidArgument unless it is 1 to `most`."""
    if not (text.isascii() and text.isdecimal() and len(text) < 18 and 1 <= int(text) <= most):
        raise InvalidArgument(f"{name} must be a whole number from 1 to {most}", errors=[FieldError(name, "is none")])
    return int(text)
