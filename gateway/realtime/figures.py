"""The topics `metrics.<system>`: which tables moved, and the tiles that are others for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from gateway.realtime.hub import Hub
from gateway.realtime.topics import metrics_keys
from protos.common.v1 import system_pb2, system_pb2_grpc
from shared.errors import PlatformError, Unimplemented
from shared.rpc.channel import ServiceChannel

DASHBOARDS = ("executive", "operations")
TIMEOUT_SECONDS = 5.0
MOST_TILES = 200
"""Tiles of one dashboard that are looked at: a registered system may tell any number."""

Tile = dict[str, Any]
log = structlog.stdlib.get_logger("gateway")


async def tiles_of(channel: ServiceChannel, dashboard: str) -> list[Tile]:
    """Return the tiles of one system as everybody of every region may see them. Raises PlatformError."""
    stub: Any = system_pb2_grpc.SystemServiceStub(channel)  # type: ignore[no-untyped-call]
    answer = await stub.Tiles(system_pb2.TilesRequest(dashboard=dashboard), timeout=TIMEOUT_SECONDS)
    return [tile_of(dashboard, tile) for tile in answer.tiles[:MOST_TILES]]


async def all_tiles(channel: ServiceChannel) -> list[Tile]:
    """Return the tiles of every dashboard, asked at the same time. Raises PlatformError."""
    found = await asyncio.gather(*(tiles_of(channel, dashboard) for dashboard in DASHBOARDS))
    return [tile for tiles in found for tile in tiles]


def tile_of(dashboard: str, tile: system_pb2.Tile) -> Tile:
    """Return a tile as events carry it."""
    change = tile.change_pct if tile.HasField("change_pct") else None
    told = {"dashboard": dashboard, "key": tile.key, "title": tile.title, "value": tile.value, "unit": tile.unit}
    return {**told, "change_pct": change}


class Figures:
    """Publishes what moved in the systems' prod zones. Nothing is asked as a caller: who is bound to regions is told
    the versions alone, and asks for figures of those regions."""

    def __init__(self, hub: Hub, channel: Callable[[str], ServiceChannel | None]) -> None:
        self._hub, self._channel = hub, channel
        self._moved: dict[str, dict[str, int]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._known: dict[str, dict[tuple[str, str], Tile]] = {}

    def settled(self, system: str, moved: Mapping[str, int]) -> None:
        """Take note that a system's tables stand still after these moved; none: they were not known before."""
        self._moved.setdefault(system, {}).update(moved)
        if system not in self._tasks:
            self._tasks[system] = asyncio.create_task(self._tell(system))

    def forget(self, system: str) -> None:
        """Let go what is known of a system that is here no more."""
        self._known.pop(system, None)
        self._moved.pop(system, None)

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, system: str) -> None:
        """Publish what moved, and what moves meanwhile."""
        try:
            while system in self._moved:
                moved = self._moved.pop(system)
                changed = await self._changed(system)
                if moved:
                    everywhere, bound = metrics_keys(system)
                    told = {"system": system, "tables": moved}
                    self._hub.publish([(everywhere, {**told, "tiles": changed}), (bound, {**told, "tiles": None})])
        finally:
            del self._tasks[system]

    async def _changed(self, system: str) -> list[Tile] | None:
        """Return the tiles that are not as they were; None where the system did not tell them."""
        channel = self._channel(system)
        if channel is None:
            return None
        try:
            found = await all_tiles(channel)
        except Unimplemented:
            found = []
        except PlatformError as error:
            log.warning("tiles are not told with a move of the lake", system=system, reason=error.error_reason)
            return None
        except Exception:  # a registered system may answer anything
            log.exception("tiles are not told with a move of the lake", system=system)
            return None
        now = {(tile["dashboard"], tile["key"]): tile for tile in found}
        before, self._known[system] = self._known.get(system, {}), now
        return [tile for key, tile in now.items() if before.get(key) != tile]
