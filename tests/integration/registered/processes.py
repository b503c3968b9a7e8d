"""auth, two gateways over one store, and the example system of the docs, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.waiting import eventually, free_port

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "weather" / "weather.py"
PASSWORD = "wT9-kepler-orbit-77"
OPEN = {f"RATE_LIMIT_{who}": "off" for who in ("USER", "API_KEY", "ADDRESS")}


@dataclass
class Stack:
    """Where the processes are, and people who have logged in."""

    var_dir: Path
    open: ExitStack
    auth_port: int = field(default_factory=free_port)
    pipeline_port: int = field(default_factory=free_port)
    gateways: list[httpx.Client] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Return what every process is told."""
        services = f"auth=127.0.0.1:{self.auth_port},pipeline=127.0.0.1:{self.pipeline_port}"
        known = {"VAR_DIR": str(self.var_dir), "SERVICES": services, "LOG_FORMAT": "json"}
        return {**os.environ, "PYTHONPATH": str(ROOT), "SUPERVISOR_PID": str(os.getpid()), **known, **OPEN}

    def start(self, name: str, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """Return a process just started; it is killed at the end."""
        log = self.open.enter_context((self.var_dir / f"{name}.log").open("ab"))
        process = subprocess.Popen(
            (sys.executable, *arguments), cwd=ROOT, env={**self.environment, **more}, stdout=log, stderr=log
        )
        self.open.callback(process.wait)
        self.open.callback(process.kill)
        return process

    def auth(self) -> None:
        """Start the service that signs tokens, with somebody of each role."""
        self.start("auth", "-m", "services.auth", GRPC_ADDRESS=f"127.0.0.1:{self.auth_port}")
        for role in ("admin", "analyst", "viewer", "investigator"):
            words = ("create-user", "--email", f"{role}@example.com", "--full-name", "Somebody", "--role", role)
            subprocess.run(
                (sys.executable, "-m", "services.auth", *words),
                cwd=ROOT,
                env=self.environment,
                input=PASSWORD.encode(),
                stdout=subprocess.DEVNULL,
                check=True,
            )

    def pipeline(self) -> None:
        """Start the service that writes the lake."""
        self.start("pipeline", "-m", "pipeline.service", GRPC_ADDRESS=f"127.0.0.1:{self.pipeline_port}")
        eventually(lambda: '"serving"' in (self.var_dir / "pipeline.log").read_text())

    def gateway(self) -> httpx.Client:
        """Return a client of one more gateway, over the one store that all share."""
        port = free_port()
        self.start(f"gateway-{port}", "-m", "gateway", HTTP_ADDRESS=f"127.0.0.1:{port}")
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30, trust_env=False)
        self.gateways.append(self.open.enter_context(client))
        eventually(lambda: is_ready(client))
        return client

    def weather(self, port: int) -> subprocess.Popen[bytes]:
        """Return the example system, serving at a port."""
        process = self.start("weather", str(EXAMPLE), GRPC_ADDRESS=f"127.0.0.1:{port}")
        eventually(lambda: '"serving"' in (self.var_dir / "weather.log").read_text() or process.poll() is not None)
        assert process.poll() is None, (self.var_dir / "weather.log").read_text()
        return process

    def call(self, verb: str, path: str, role: str = "viewer", gateway: int = 0, **more: Any) -> httpx.Response:
        """Return the answer to one call below /api/v1 by somebody of a role, through one of the gateways."""
        if role not in self.tokens:
            said = {"email": f"{role}@example.com", "password": PASSWORD}
            self.tokens[role] = self.gateways[0].post("/auth/login", json=said).json()["access_token"]
        headers = {"Authorization": f"Bearer {self.tokens[role]}", **more.pop("headers", {})}
        return self.gateways[gateway].request(verb, path, headers=headers, **more)

    def register(self, port: int, **changes: Any) -> httpx.Response:
        """Return the answer to registering the example."""
        asked = {"name": "weather", "title": "Weather", "prefix": "weather", "address": f"127.0.0.1:{port}", **changes}
        return self.call("POST", "/systems", "admin", json=asked)


def is_ready(client: httpx.Client) -> bool:
    """Return whether a gateway serves."""
    try:
        return client.get("/../../health/ready").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def running(var_dir: Path) -> Iterator[Stack]:
    """Give auth and two gateways."""
    with ExitStack() as stack:
        made = Stack(var_dir, stack)
        made.auth()
        made.pipeline()
        made.gateway()
        made.gateway()
        yield made
