"""GET /api/v1/operations: the caller's long work in all services, newest first. Written by hand: no one service's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import structlog
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from gateway.door import Door
from gateway.health import NO_STORE
from protos.common.v1 import operation_pb2, operations_pb2
from shared.errors import FieldError, InvalidArgument, PlatformError, Unimplemented
from shared.keyset import key_after, token_after
from shared.operations.operation import concerns
from shared.page import DEFAULT_SIZE, MAX_SIZE, refused
from shared.transcode.backends import Backend
from shared.transcode.encode import Encoders

PATH = "/api/v1/operations"
RPC_PATH = "/common.v1.OperationService/ListOperations"
COST = 2
TIMEOUT_SECONDS = 5.0
"""One service that does not answer must not keep the others' operations back for longer."""
PARAMETERS = ("page_size", "page_token", "all")
Further = Callable[[], Mapping[str, Backend]]
"""Tells the systems registered at run time, by name."""
Encode = Callable[[operation_pb2.Operation], Any]
MOST_BYTES = 16 * 1024
"""An operation in the list, without its result; longer ones only a registered system would tell."""

log = structlog.stdlib.get_logger("gateway")


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
    """What one service has, each as it is answered, or that it could not be asked."""

    items: Sequence[tuple[Key, Any]] = ()
    total: int = 0
    is_missing: bool = False


def router(door: Door, services: Mapping[str, Backend], further: Further = dict) -> APIRouter:
    """Return the endpoint over the services and, for callers who may use them, the registered systems."""
    routes = APIRouter(include_in_schema=False)
    described: Any = operation_pb2.Operation.DESCRIPTOR
    encode = Encoders().message(described)

    @routes.api_route(PATH, methods=["GET", "HEAD"])
    async def list_operations(request: Request) -> JSONResponse:
        """Return one page of the caller's operations."""
        caller = await door.admit(request, cost=COST)
        wanted = asked(request)
        theirs = {name: one for name, one in further().items() if concerns(caller, name)}
        names, backends = zip(*{**theirs, **services}.items(), strict=True)
        found = await asyncio.gather(*map(partial(of, wanted=wanted, encode=encode), names, backends))
        every = sorted((one for each in found for one in each.items), key=itemgetter(0), reverse=True)
        items = every[: wanted.size]
        body = {
            "items": [one for _, one in items],
            "total_size": sum(each.total for each in found),
            "next_page_token": token_after(wanted.query, items[-1][0].text) if len(every) > wanted.size else "",
            "missing": sorted(name for name, each in zip(names, found, strict=True) if each.is_missing),
        }
        return JSONResponse(body, headers=NO_STORE)

    return routes


async def of(name: str, service: Backend, wanted: Asked, encode: Encode) -> Found:
    """Return what a service has: one more than a page, so that it is known whether there is another."""
    request = operations_pb2.ListOperationsRequest(page_size=wanted.size + 1, all=wanted.is_all)
    if wanted.before is not None:
        request.before_at.FromDatetime(wanted.before.at)
        request.before_name = f"{wanted.before.service}/{wanted.before.id}"
    try:
        answer = await service.call(RPC_PATH, request, SERIALIZE, PARSE, timeout=TIMEOUT_SECONDS)
        items = told(name, answer, wanted, encode)
    except Unimplemented:
        return Found()
    except PlatformError:
        return Found(is_missing=True)
    except Exception:  # a registered system may answer anything, moments that are none among it
        log.exception("the operations of a service cannot be told", service=name)
        return Found(is_missing=True)
    return Found(items, max(answer.total_size, len(items)))


def told(
    name: str, answer: operations_pb2.ListOperationsResponse, wanted: Asked, encode: Encode
) -> list[tuple[Key, Any]]:
    """Return what was asked for of a service's answer, and of that what is short and its own.

    What a system that was registered at run time says is of another service, or is not asked for, is not shown.
    """
    found = []
    for one in answer.items[: wanted.size + 1]:
        at = key(one)
        if at.service == name and one.ByteSize() <= MOST_BYTES and (wanted.before is None or at < wanted.before):
            found.append((at, encode(one)))
    return found


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
