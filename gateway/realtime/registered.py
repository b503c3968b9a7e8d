"""The tables of registered systems, followed for the topics `metrics.<name>`: bounded, as nobody vouches for them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Any, NamedTuple, Self

import structlog

from protos.common.v1 import system_pb2, system_pb2_grpc
from shared.errors import PlatformError, Unimplemented
from shared.rpc.channel import ServiceChannel

MOST_TABLES = 200
PAUSE_SECONDS = 0.02
"""Between two messages that are taken: what comes faster waits at the system, not here."""
SETTLED_SECONDS = 0.5
RECONNECT_SECONDS = (0.5, 15.0)
TABLE = re.compile(r"[a-z][a-z0-9_]{0,63}")

Settled = Callable[[str, Mapping[str, int]], None]
log = structlog.stdlib.get_logger("gateway")


class Followed(NamedTuple):
    """A system that is being followed, and over which connection."""

    channel: ServiceChannel
    task: asyncio.Task[None]


class RegisteredTables:
    """Follows `SystemService.Watch` of the registered systems there are. Use as `async with`."""

    def __init__(
        self, systems: Callable[[], Mapping[str, ServiceChannel]], settled: Settled, forget: Callable[[str], None]
    ) -> None:
        self._systems, self._settled, self._forget = systems, settled, forget
        self._followed: dict[str, Followed] = {}

    async def __aenter__(self) -> Self:
        """Return itself, following."""
        self.follow()
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [one.task for one in self._followed.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def follow(self) -> None:
        """Follow those that came, and no more those that went or were registered anew."""
        now = self._systems()
        for name, one in list(self._followed.items()):
            if now.get(name) is not one.channel:
                self._followed.pop(name).task.cancel()
                self._forget(name)
        for name in now.keys() - self._followed.keys():
            follower = Follower(name, now[name], self._settled)
            # In a context of its own: whoever registers a system is not who watches it.
            self._followed[name] = Followed(now[name], asyncio.create_task(follower.run(), context=Context()))


class Follower:
    """Follows one registered system."""

    def __init__(self, name: str, channel: ServiceChannel, settled: Settled) -> None:
        self._name, self._listener = name, settled
        self._before: dict[str, int] | None = None
        """Versions when they last stood still; None: they never did."""
        stub: Any = system_pb2_grpc.SystemServiceStub
        self._stub = stub(channel)

    async def run(self) -> None:
        """Tell what moves, until cancelled or until the system shows that it has nothing to tell."""
        pause, longest = RECONNECT_SECONDS
        while True:
            try:
                if not await self._follow():
                    log.warning("a registered system tells tables that are not its own, or too many", system=self._name)
                    return
                pause = RECONNECT_SECONDS[0]
            except Unimplemented:
                return
            except PlatformError as error:
                log.debug("a registered system's tables are not told now", reason=error.error_reason)
            except Exception:
                log.exception("a registered system's tables are not told now", system=self._name)
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _follow(self) -> bool:
        """Return once the stream ends; False where what it told cannot be followed."""
        versions: dict[str, int] = {}
        settling: asyncio.TimerHandle | None = None
        try:
            async for told in self._stub.Watch(system_pb2.WatchRequest(), wait_for_ready=True):
                versions[told.table] = told.version
                if not self._is_own(told.table) or len(versions) > MOST_TABLES:
                    return False
                if settling is not None:
                    settling.cancel()
                settling = asyncio.get_running_loop().call_later(SETTLED_SECONDS, self._stand, versions)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            if settling is not None:
                settling.cancel()
        return True

    def _is_own(self, table: str) -> bool:
        zone, _, name = table.partition(".")
        return zone == self._name and bool(TABLE.fullmatch(name))

    def _stand(self, versions: Mapping[str, int]) -> None:
        """Tell the listener what moved since the tables stood still before; nothing the first time."""
        before, self._before = self._before, dict(versions)
        moved = {} if before is None else {one: at for one, at in versions.items() if before.get(one) != at}
        if before is None or moved:
            self._listener(self._name, moved)
