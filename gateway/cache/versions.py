"""Where each system's prod zone stands, as its own service tells; kept answers are those of that moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Self

import structlog

from protos.common.v1 import system_pb2, system_pb2_grpc
from shared.errors import PlatformError
from shared.rpc.channel import ServiceChannel

SETTLED_SECONDS = 0.1
"""The service tells its tables one by one; after this pause it has told them all."""

RECONNECT_SECONDS = (0.1, 2.0)

log = structlog.stdlib.get_logger("gateway")


class LakeVersions:
    """Follows `SystemService.Watch` of every system. Use as `async with`."""

    def __init__(self, systems: Mapping[str, ServiceChannel]) -> None:
        self.listeners: list[Callable[[str, Mapping[str, int]], None]] = []
        """Called with a system whose tables stand still again, and those that moved: none the first time."""
        self._followers = [Follower(name, channel, self._settled) for name, channel in systems.items()]
        self.current: dict[str, str | None] = dict.fromkeys(systems)
        """System → digest of its tables' versions; None while they are not known, so that nothing is kept."""
        self._further: dict[str, str] = {}

    def of(self, service: str) -> str | None:
        """Return where a service's data stand; empty for one that has none in the lake."""
        return self.current.get(service, self._further.get(service, ""))

    def further(self, registrations: Mapping[str, str]) -> None:
        """Note which registration of each registered system answers: what another one answered is not its answer.

        Their data are not followed, as nobody vouches for what they tell; answers are kept as long as a method says.
        """
        self._further = dict(registrations)

    def _settled(self, system: str, moved: Mapping[str, int]) -> None:
        for listener in self.listeners:
            listener(system, moved)

    async def __aenter__(self) -> Self:
        """Return itself, following."""
        self._tasks = [asyncio.create_task(one.run(self.current)) for one in self._followers]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Follower:
    """Follows one system."""

    def __init__(self, name: str, channel: ServiceChannel, listener: Callable[[str, Mapping[str, int]], None]) -> None:
        self._name, self._listener = name, listener
        self._settled: dict[str, int] = {}
        stub: Any = system_pb2_grpc.SystemServiceStub
        self._stub = stub(channel)

    async def run(self, current: dict[str, str | None]) -> None:
        """Keep `current` right until cancelled."""
        pause, longest = RECONNECT_SECONDS
        while True:
            with contextlib.suppress(PlatformError):
                await self._follow(current)
            if current[self._name] is not None:
                log.warning("lake versions are not known; its answers are not kept", system=self._name)
                pause = RECONNECT_SECONDS[0]
            current[self._name] = None
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _follow(self, current: dict[str, str | None]) -> None:
        versions: dict[str, int] = {}
        settling: asyncio.TimerHandle | None = None

        def settled() -> None:
            current[self._name] = digest(versions)
            before, self._settled = self._settled, dict(versions)
            self._listener(self._name, {one: at for one, at in versions.items() if before and before.get(one) != at})

        try:
            async for told in self._stub.Watch(system_pb2.WatchRequest(), wait_for_ready=True):
                versions[told.table] = told.version
                current[self._name] = None
                if settling is not None:
                    settling.cancel()
                settling = asyncio.get_running_loop().call_later(SETTLED_SECONDS, settled)
        finally:
            if settling is not None:
                settling.cancel()


def digest(versions: Mapping[str, int]) -> str:
    """Return a name of these versions, the same in every process."""
    text = ",".join(f"{table}={version}" for table, version in sorted(versions.items()))
    return blake2b(text.encode(), digest_size=12).hexdigest()
