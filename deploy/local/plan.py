"""Which processes run, where each listens, and with what environment."""

from __future__ import annotations

import os
import random
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.preflight import HOST

THREADS = "2"
"""Threads a native library may take in one process; several processes share the machine."""
PORTS = range(20_000, 32_000)
"""Below those given to outgoing connections, any of which could take a port between its choice and its use."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process to run: its name in the log, its arguments, its own environment."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a local run needs to know."""

    root: Path
    var_dir: Path
    port: int
    processes: tuple[Process, ...]
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        """Return the address a person opens."""
        return f"http://{HOST}:{self.port}"

    @classmethod
    def for_checkout(cls, root: Path, var_dir: Path, port: int) -> Plan:
        """Return the plan for the services found in the checkout, each on two free loopback ports."""
        modules = service_modules(root)
        addresses = iter([f"{HOST}:{free}" for free in free_ports(2 * len(modules))])
        grpc = {name: next(addresses) for name in modules}
        shared = _shared_environment(var_dir, port, grpc)
        processes = [
            Process(name, ("-m", module), {"GRPC_ADDRESS": grpc[name], "HTTP_ADDRESS": next(addresses)})
            for name, module in modules.items()
        ]
        gateway = Process("gateway", ("-m", "gateway"), {"HTTP_ADDRESS": f"{HOST}:{port}"})
        return cls(root, var_dir, port, (*processes, gateway), shared)

    def full_environment(self, process: Process | None = None) -> dict[str, str]:
        """Return the environment of a process: the caller's, the shared part, its own part."""
        own = process.environment if process else {}
        return {**os.environ, **self.environment, **own}

    def command(self, *arguments: str) -> list[str]:
        """Return the command line that runs this Python with `arguments`."""
        return [sys.executable, *arguments]


def service_modules(root: Path) -> dict[str, str]:
    """Return name → module of what can be run: the services that have a `__main__.py`, and the pipeline's own."""
    names = sorted(path.parent.name for path in (root / "services").glob("*/__main__.py"))
    return {**{name: f"services.{name}" for name in names}, "pipeline": "pipeline.service"}


def free_ports(count: int) -> list[int]:
    """Return `count` different loopback ports nobody listens on; held together so that none comes twice."""
    with ExitStack() as held:
        found: list[int] = []
        for port in random.sample(PORTS, len(PORTS)):
            if len(found) == count:
                break
            with suppress(OSError):
                held.enter_context(socket.socket()).bind((HOST, port))
                found.append(port)
        return found


def _shared_environment(var_dir: Path, port: int, grpc: Mapping[str, str]) -> dict[str, str]:
    return {
        "VAR_DIR": str(var_dir),
        "SERVICES": ",".join(f"{name}={address}" for name, address in grpc.items()),
        "ISSUER": f"http://{HOST}:{port}",
        "SUPERVISOR_PID": str(os.getpid()),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", THREADS),
    }
