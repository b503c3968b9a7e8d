"""A port to listen on, and waiting for what another process or task brings about: by asking, for ever is a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from deploy.local.plan import free_ports

ASK_AGAIN_SECONDS = 0.02


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    (port,) = free_ports(1)
    return port


def eventually(holds: Callable[[], object], seconds: float = 60) -> None:
    """Return once something holds; fail where it does not before the test would seem to hang."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(ASK_AGAIN_SECONDS)


async def until(holds: Callable[[], object], seconds: float = 10) -> None:
    """Return once something holds that a task of this loop or another process brings about."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  what is waited for sends no event here
            await asyncio.sleep(ASK_AGAIN_SECONDS)
