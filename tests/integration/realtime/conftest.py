"""A gateway served by uvicorn before a backend of ours, and callers who listen to it over real WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.app import create_app
from gateway.realtime import wire
from gateway.realtime.parts import Realtime
from gateway.settings import GatewaySettings
from shared.rpc.http import http_server
from shared.telemetry import Telemetry
from shared.tokens import SigningKey
from tests.contract.backend import Backend, new_key, serving, settings_for

Message = dict[str, Any]


@dataclass
class Gateway:
    """A running gateway."""

    address: str
    app: FastAPI
    http: httpx.AsyncClient
    tokens: Backend
    opened: list[ClientConnection] = field(default_factory=list)

    @property
    def realtime(self) -> Realtime:
        found: Realtime = self.app.state.realtime
        return found

    async def ticket(self, token: str) -> str:
        """Return a ticket for the holder of a token."""
        answer = await self.http.post("/api/v1/realtime/ticket", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["expires_in"] == 30
        return str(answer.json()["ticket"])

    async def show(self, ticket: str, **options: Any) -> ClientConnection:
        """Return the connection that a ticket opens."""
        made = await connect(f"ws://{self.address}/api/v1/realtime?ticket={ticket}", proxy=None, **options)
        self.opened.append(made)
        return made

    async def listener(self, *topics: str, token: str = "", resume: Mapping[str, str] | None = None) -> Listening:
        """Return a listener to topics, by default somebody who may read all open systems."""
        token = token or self.tokens.token("analyst")
        while True:
            found = Listening(await self.show(await self.ticket(token)))
            try:
                await found.say({"op": "ping"})
                assert await found.hear() == {"type": "pong"}
            except ConnectionClosed as closed:
                # Until the revocations are known nobody may connect.
                assert closed.rcvd is not None and closed.rcvd.code == wire.LATER
                continue
            if topics:
                await found.say({"op": "subscribe", "topics": topics, "resume": dict(resume or {})})
            return found


@dataclass
class Listening:
    """One connection and what was said on it."""

    connection: ClientConnection

    async def say(self, message: Any) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    async def hear(self) -> Message:
        async with asyncio.timeout(20):
            told = await self.connection.recv()
        assert isinstance(told, str)
        message: Message = orjson.loads(told)
        return message

    async def closed(self) -> tuple[int, str]:
        """Return the code and the reason the connection was closed with, once it is."""
        async with asyncio.timeout(20):
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed as error:
                assert error.rcvd is not None, "the connection was cut"
                return error.rcvd.code, error.rcvd.reason


@asynccontextmanager
async def running(settings: GatewaySettings, tokens: Backend, **web_sockets: Any) -> AsyncIterator[Gateway]:
    """Give a gateway that is served as its process serves it."""
    app = create_app(settings)
    serves = http_server(app, "127.0.0.1:0", Telemetry(), web_sockets={**wire.UVICORN, **web_sockets})
    async with serves as address, httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=60) as http:
        gateway = Gateway(address, app, http, tokens)
        yield gateway
    for one in gateway.opened:
        await one.close()


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return new_key()


@pytest.fixture
async def backend(key: SigningKey) -> AsyncIterator[Backend]:
    async with serving(key=key) as backend:
        yield backend


@pytest.fixture
def settings(backend: Backend, tmp_path: Path) -> GatewaySettings:
    return settings_for(backend, var_dir=tmp_path, rate_limit_user="off", rate_limit_address="off")


@pytest.fixture
async def gateway(settings: GatewaySettings, backend: Backend) -> AsyncIterator[Gateway]:
    async with running(settings, backend) as gateway:
        yield gateway
