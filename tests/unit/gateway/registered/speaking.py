"""A registered system that also speaks the contracts common to all systems, as the test tells it to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from shared.transcode.contract import Method, load_contracts
from tests.unit.gateway.registered.sources import files
from tests.unit.gateway.registered.test_registration import System

COMMON = {method.rpc_path: method for method in load_contracts().methods if method.service.startswith("common.")}


@dataclass
class Speaking(System):
    """Answers by RPC path; what it was not told to answer it does not offer."""

    answers: dict[str, Callable[[Any, Any], Any]] = field(default_factory=dict)

    def service(self, handler_call_details: Any) -> Any:
        method = COMMON.get(handler_call_details.method)
        if method is None:
            return super().service(handler_call_details)
        answer = self.answers.get(method.rpc_path)
        return None if answer is None else handler(method, answer)


def handler(method: Method, answer: Callable[[Any, Any], Any]) -> Any:
    """Return the handler of a method: an async function, or an async generator for one that streams."""
    make = (
        grpc.unary_stream_rpc_method_handler
        if method.descriptor.server_streaming
        else grpc.unary_unary_rpc_method_handler
    )
    return make(
        answer,
        request_deserializer=method.request_class.FromString,
        response_serializer=method.response_class.SerializeToString,
    )


@asynccontextmanager
async def speaking(**answers: Callable[[Any, Any], Any]) -> AsyncIterator[Speaking]:
    """Give a system that is being served, with answers by the names of their methods."""
    paths = {path.rpartition("/")[2]: path for path in COMMON}
    made = Speaking(files(), answers={paths[name]: answer for name, answer in answers.items()})
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((made,))
    made.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield made
    finally:
        await server.stop(None)
