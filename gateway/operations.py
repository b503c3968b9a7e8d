"""GET /api/v1/operations: the caller's long work in all services, newest first. Written by hand: no one service's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from gateway.door import Door
from gateway.health import NO_STORE
from protos.common.v1 import operation_pb2, operations_pb2
from shared.errors import FieldError, InvalidArgument, PlatformError, Unimplemented
from shared.keyset import key_after, token_after
from shared.page import DEFAULT_SIZE, MAX_SIZE, refused
from shared.transcode.backends import Backend
from shared.transcode.encode import Encoders

PATH = "/api/v1/operations"
RPC_PATH = "/common.v1.OperationService/ListOperations"
COST = 2
PARAMETERS = ("page_size", "page_token", "all")


class Asked(NamedTuple):
    """What a request asks for."""

    size: int
    is_all: bool
    before: Key | None

    @property
    def query(self) -> dict[str, object]:
        """Return what decides the rows and their order."""
        return {"list": "operations", "all": self.is_all}


class Key(NamedTuple):
    """Where an operation stands among those of all services; smaller ones are older."""

    at: datetime
    service: str
    id: str

    @property
    def text(self) -> str:
        """Return it as the key of a page token."""
        return f"{self.at.isoformat()} {self.service}/{self.id}"


class Found(NamedTuple):
    """What one service has, or that it could not be asked."""

    items: Sequence[operation_pb2.Operation] = ()
    total: int = 0
    is_missing: bool = False


def router(door: Door, services: Mapping[str, Backend]) -> APIRouter:
    """Return the endpoint."""
    routes = APIRouter(include_in_schema=False)
    described: Any = operation_pb2.Operation.DESCRIPTOR
    encode = Encoders().message(described)

    @routes.api_route(PATH, methods=["GET", "HEAD"])
    async def list_operations(request: Request) -> JSONResponse:
        """Return one page of the caller's operations."""
        await door.admit(request, cost=COST)
        wanted = asked(request)
        found = dict(zip(services, await asyncio.gather(*(of(one, wanted) for one in services.values())), strict=True))
        every = sorted((one for each in found.values() for one in each.items), key=key, reverse=True)
        items = every[: wanted.size]
        body = {
            "items": [encode(one) for one in items],
            "total_size": sum(each.total for each in found.values()),
            "next_page_token": token_after(wanted.query, key(items[-1]).text) if len(every) > wanted.size else "",
            "missing": sorted(name for name, each in found.items() if each.is_missing),
        }
        return JSONResponse(body, headers=NO_STORE)

    return routes


async def of(service: Backend, wanted: Asked) -> Found:
    """Return what a service has: one more than a page, so that it is known whether there is another."""
    request = operations_pb2.ListOperationsRequest(page_size=wanted.size + 1, all=wanted.is_all)
    if wanted.before is not None:
        request.before_at.FromDatetime(wanted.before.at)
        request.before_name = f"{wanted.before.service}/{wanted.before.id}"
    try:
        answer = await service.call(RPC_PATH, request, SERIALIZE, PARSE)
    except Unimplemented:
        return Found()
    except PlatformError:
        return Found(is_missing=True)
    return Found(answer.items, answer.total_size)


SERIALIZE = operations_pb2.ListOperationsRequest.SerializeToString
PARSE = operations_pb2.ListOperationsResponse.FromString


def key(operation: operation_pb2.Operation) -> Key:
    """Return where an operation stands."""
    service, _, operation_id = operation.name.partition("/")
    return Key(operation.created_at.ToDatetime(UTC), service, operation_id)


def asked(request: Request) -> Asked:
    """Return what a request asks for. Raises InvalidArgument, InvalidPageToken."""
    given = request.query_params
    unknown = sorted(set(given) - set(PARAMETERS))
    if unknown:
        raise wrong(unknown[0][:60], "is not a parameter of this endpoint")
    size, everybody = given.get("page_size", str(DEFAULT_SIZE)), given.get("all", "false")
    if not (size.isascii() and size.isdigit() and len(size) < 5 and 1 <= int(size) <= MAX_SIZE):
        raise wrong("page_size", f"must be 1 to {MAX_SIZE}")
    if everybody not in ("true", "false"):
        raise wrong("all", "must be true or false")
    found = Asked(int(size), everybody == "true", None)
    text = key_after(found.query, given.get("page_token", ""))
    return found if text is None else found._replace(before=key_of(text))


def key_of(text: str) -> Key:
    """Return the key that a page token was made of. Raises InvalidPageToken: anybody can make one up."""
    at, _, name = text.partition(" ")
    service, slash, operation_id = name.partition("/")
    try:
        moment = datetime.fromisoformat(at)
        if not slash or moment.tzinfo is None:
            raise refused()
        return Key(moment.astimezone(UTC), service, operation_id)
    except (ValueError, OverflowError):
        raise refused() from None


def wrong(field: str, detail: str) -> InvalidArgument:
    """Return the error for a parameter."""
    return InvalidArgument(f"{field} {detail}", errors=[FieldError(field, detail)])
