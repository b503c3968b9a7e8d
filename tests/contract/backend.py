"""A real gRPC server that answers every method of every contract, and tokens it would have signed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway.app import create_app
from gateway.settings import GatewaySettings
from protos.auth.v1 import auth_pb2
from protos.common.v1 import calls_pb2, calls_pb2_grpc, operation_pb2, operations_pb2, system_pb2
from shared.errors import PlatformError
from shared.permissions import permissions_of
from shared.revocation import Revocation, to_message
from shared.rpc.access import Guard, compiled
from shared.rpc.carried import CallServicer
from shared.rpc.status import DETAILS_KEY, to_status
from shared.telemetry import Telemetry, TraceMiddleware
from shared.tokens import SigningKey, TokenSigner
from shared.transcode.contract import Contracts, Method, load_contracts

ISSUER, AUDIENCE = "http://testserver", "shop-insight"
WATCH_RPC = "/common.v1.SystemService/Watch"
WATCH_OPERATIONS_RPC = "/common.v1.OperationService/WatchOperations"
Answer = Callable[[Any, Any], Any]


def new_key() -> SigningKey:
    """Return a fresh signing key."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SigningKey("test", pem.decode())


@dataclass
class Backend(grpc.GenericRpcHandler):
    """Answers each method with an empty message unless told otherwise, and remembers what it was asked."""

    key: SigningKey
    var_dir: Path
    """Where the gateways before it keep their state; gone with it."""
    contracts: Contracts = field(default_factory=load_contracts)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, Message, dict[str, Any]]] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    health: Any = field(default_factory=health.aio.HealthServicer)
    address: str = ""
    tables: dict[str, int] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    """Sessions that are over; known to whoever begins to watch."""
    _watching: list[asyncio.Queue[tuple[str, int]]] = field(default_factory=list)
    _told: list[asyncio.Queue[operations_pb2.WatchOperationsResponse]] = field(default_factory=list)

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a call."""
        path = handler_call_details.method
        method = next((one for one in self.contracts.methods if one.rpc_path == path), None)
        return None if method is None or method.descriptor.client_streaming else self.handler(method)

    def carried(self) -> CallServicer:
        """Return what answers the same methods over one stream."""
        unary = [one for one in self.contracts.methods if not one.descriptor.server_streaming]
        calls = calls_pb2.DESCRIPTOR.services_by_name["CallService"]
        return CallServicer({one.rpc_path: self.handler(one) for one in unary}, Guard(compiled([calls]), None))

    def handler(self, method: Method) -> Any:
        """Return the handler of one method."""
        path = method.rpc_path
        codec = {
            "request_deserializer": method.request_class.FromString,
            "response_serializer": method.response_class.SerializeToString,
        }
        if path == WATCH_RPC:
            return grpc.unary_stream_rpc_method_handler(self._watched, **codec)
        if path == WATCH_OPERATIONS_RPC:
            return grpc.unary_stream_rpc_method_handler(self._operations, **codec)
        if method.descriptor.server_streaming:
            return grpc.unary_stream_rpc_method_handler(self._heartbeat, **codec)

        async def answer(request: Message, context: Any) -> Message:
            self.asked.append((path, request, dict(context.invocation_metadata())))
            made = self.answers.get(path)
            if made is None:
                return method.response_class()
            try:
                found = made(request, context)
                return await found if asyncio.iscoroutine(found) else found
            except PlatformError as error:
                await abort(context, error)
                raise
            except asyncio.CancelledError:
                self.cancelled.set()
                raise

        return grpc.unary_unary_rpc_method_handler(answer, **codec)

    def move(self, table: str, version: int) -> None:
        """Give a table of the lake another version, and tell whoever watches."""
        self.tables[table] = version
        for queue in self._watching:
            queue.put_nowait((table, version))

    def tell_operation(self, operation: operation_pb2.Operation, subject: str) -> None:
        """Tell one of those who watch how an operation stands: it belongs to one service."""
        self._told[0].put_nowait(operations_pb2.WatchOperationsResponse(operation=operation, subject=subject))

    async def _operations(self, request: Message, context: Any) -> AsyncIterator[Message]:
        queue: asyncio.Queue[operations_pb2.WatchOperationsResponse] = asyncio.Queue()
        self._told.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._told.remove(queue)

    async def _watched(self, request: Message, context: Any) -> AsyncIterator[Message]:
        queue: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self._watching.append(queue)
        try:
            for told in tuple(self.tables.items()):
                queue.put_nowait(told)
            while True:
                table, version = await queue.get()
                yield system_pb2.WatchResponse(table=table, version=version)
        finally:
            self._watching.remove(queue)

    async def _heartbeat(self, request: Message, context: Any) -> AsyncIterator[Message]:
        ended = [to_message(Revocation(one, "", time.time(), time.time() + 3600)) for one in sorted(self.revoked)]
        while True:
            yield auth_pb2.WatchRevocationsResponse(revocations=ended, synced=True)
            await asyncio.sleep(0.5)

    def keys(self, request: Message, context: Any) -> Message:
        """Return the public half of the key."""
        key = self.key.public()
        return auth_pb2.GetJwksResponse(
            keys=[auth_pb2.Jwk(kty="RSA", use="sig", kid=key.kid, alg="RS256", n=key.n, e=key.e)]
        )

    def token(
        self, *roles: str, permissions: Any = None, subject: str = "user-1", regions: Any = None, api_key: str = ""
    ) -> str:
        """Return a token of somebody with those roles, or of an API key of theirs by its id."""
        held = permissions_of(roles) if permissions is None else permissions
        signer = TokenSigner(self.key, ISSUER, AUDIENCE)
        return signer.sign(subject, roles, held, api_key or "session-1", regions, client_id=api_key)

    def bearer(self, *roles: str) -> dict[str, str]:
        """Return the header that sends such a token."""
        return {"Authorization": f"Bearer {self.token(*roles)}"}


async def abort(context: Any, error: PlatformError) -> None:
    """End a call with an error as our services do."""
    await context.abort(error.code, error.detail, ((DETAILS_KEY, to_status(error).SerializeToString()),))


@asynccontextmanager
async def serving(address: str = "127.0.0.1:0", key: SigningKey | None = None) -> AsyncIterator[Backend]:
    """Give a backend that is being served."""
    with TemporaryDirectory(prefix="gateway-") as folder:
        backend = Backend(key or new_key(), Path(folder))
        backend.answers["/auth.v1.AuthService/GetJwks"] = backend.keys
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((backend,))
        calls_pb2_grpc.add_CallServiceServicer_to_server(backend.carried(), server)
        health_pb2_grpc.add_HealthServicer_to_server(backend.health, server)
        for name in ("", *{method.service for method in backend.contracts.methods}):
            await backend.health.set(name, health_pb2.HealthCheckResponse.SERVING)
        backend.address = f"127.0.0.1:{server.add_insecure_port(address)}"
        await server.start()
        try:
            yield backend
        finally:
            await server.stop(None)


def settings_for(backend: Backend, **changes: Any) -> GatewaySettings:
    """Return the settings of a gateway before that backend."""
    names = {method.backend for method in backend.contracts.methods} - {"common"}
    services = dict.fromkeys(sorted(names), backend.address)
    told = {"services": services, "issuer": ISSUER, "audience": AUDIENCE, "var_dir": backend.var_dir}
    return GatewaySettings(**{**told, **changes})


@asynccontextmanager
async def gateway(settings: GatewaySettings) -> AsyncIterator[tuple[httpx.AsyncClient, FastAPI]]:
    """Give a client of a running gateway."""
    app = create_app(settings)
    transport = httpx.ASGITransport(TraceMiddleware(app, Telemetry()), raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
        yield client, app
