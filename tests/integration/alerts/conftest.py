"""A gateway whose rules look at figures the test sets, by a clock the test moves, and servers that take its notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.alerts.parts import Alerts
from gateway.settings import GatewaySettings
from protos.auth.v1 import auth_pb2
from protos.common.v1 import system_pb2
from shared.permissions import permissions_of
from tests.contract.backend import Backend, settings_for
from tests.integration.mail.test_mailers import SmtpServer, smtp_server
from tests.integration.realtime.conftest import Gateway, backend, key, running

__all__ = ["backend", "key"]

PATH = "/api/v1/alert-rules"
RULE: dict[str, Any] = {
    "name": "Revenue is high",
    "metric": "demand.revenue",
    "condition": {"operator": ">", "threshold": 100},
}


@dataclass
class Hook:
    """A server that takes webhooks, and says what it is told to."""

    taken: list[tuple[dict[str, str], dict[str, Any], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    address: str = ""

    @property
    def url(self) -> str:
        return f"http://{self.address}/hook/s3cret-path"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.taken.append(({"line": head[0], **headers}, orjson.loads(body), body))
        status = self.statuses.pop(0) if self.statuses else 200
        moved = "Location: http://127.0.0.1:1/elsewhere\r\n" if status == 302 else ""
        writer.write(f"HTTP/1.1 {status} x\r\n{moved}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def hooked() -> AsyncIterator[Hook]:
    hook = Hook()
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    hook.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield hook


@dataclass
class World:
    """Everything around the rules."""

    gateway: Gateway
    backend: Backend
    hook: Hook
    smtp: SmtpServer
    owners: dict[str, auth_pb2.GetStandingResponse] = field(default_factory=dict)
    tiles: dict[str, tuple[float, float | None]] = field(default_factory=lambda: {"revenue": (50.0, None)})
    at: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)

    @property
    def alerts(self) -> Alerts:
        found: Alerts = self.gateway.app.state.alerts
        return found

    def answer_tiles(self, request: Any, context: Any) -> system_pb2.TilesResponse:
        found = system_pb2.TilesResponse()
        if request.dashboard == "executive":
            for name, (value, change) in self.tiles.items():
                found.tiles.add(key=name, title=name, value=value, change_pct=change)
        return found

    def answer_standing(self, request: Any, context: Any) -> auth_pb2.GetStandingResponse:
        return self.owners.get(request.subject, auth_pb2.GetStandingResponse())

    async def turn(self, minutes: float = 0, **tiles: float) -> None:
        """Let the clock go on, set figures, and let the gateway take its turn."""
        self.at += timedelta(minutes=minutes)
        self.tiles |= {name: (value, None) for name, value in tiles.items()}
        assert await self.alerts.evaluator.turn()

    async def call(
        self, verb: str, path: str = "", body: Any = None, who: str = "ada", **options: Any
    ) -> httpx.Response:
        token = self.backend.token(options.pop("role", "analyst"), subject=who, **options)
        headers = {"Authorization": f"Bearer {token}"}
        content = None if body is None else orjson.dumps(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        return await self.gateway.http.request(verb, PATH + path, headers=headers, content=content)

    async def rule(self, **changes: Any) -> dict[str, Any]:
        """Return a new rule of ada's."""
        answer = await self.call("POST", body={**RULE, **changes})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def events(self, rule: dict[str, Any]) -> list[dict[str, Any]]:
        answer = await self.call("GET", f"/{rule['id']}/events")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        assert answer.json()["total_size"] == len(found)
        return found


def standing(role: str = "analyst", **changes: Any) -> auth_pb2.GetStandingResponse:
    told = {"active": True, "permissions": sorted(permissions_of([role])), "email": "ada@example.com"}
    return auth_pb2.GetStandingResponse(**{**told, **changes})


def alert_settings(backend: Backend, tmp_path: Path, hook: Hook, smtp: SmtpServer, **changes: Any) -> GatewaySettings:
    """Return settings under which no gateway takes turns by itself, and webhooks reach the test's own server."""
    return settings_for(
        backend,
        **{
            "var_dir": tmp_path,
            "rate_limit_user": "off",
            "alert_seconds": 0,
            "alert_webhook_hosts": [hook.address],
            "mail": "smtp",
            "mail_from": "Shop Insight <no-reply@shop.example.com>",
            "smtp_host": "127.0.0.1",
            "smtp_port": smtp.port,
            "smtp_tls": "none",
            **changes,
        },
    )


@pytest.fixture
async def world(backend: Backend, tmp_path: Path) -> AsyncIterator[World]:
    async with hooked() as hook, smtp_server() as smtp:
        async with running(alert_settings(backend, tmp_path, hook, smtp), backend) as gateway:
            world = World(gateway, backend, hook, smtp, {"ada": standing()})
            world.alerts.clock = lambda: world.at
            backend.answers["/common.v1.SystemService/Tiles"] = world.answer_tiles
            backend.answers["/auth.v1.AuthService/GetStanding"] = world.answer_standing
            yield world
