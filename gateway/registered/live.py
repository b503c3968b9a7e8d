"""The registered systems that this replica serves: those of the store, at most a second later.

What is adopted is checked again: the store may have been written by another release, or by somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import structlog
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError

from gateway.registered.contract import ContractRefused, understood
from gateway.registered.store import RegisteredSystem, SystemStore
from shared.errors import PlatformError
from shared.rpc.channel import ServiceChannel
from shared.systems import System
from shared.transcode.backends import Backend
from shared.transcode.contract import Contracts
from shared.transcode.decode import Decoders
from shared.transcode.encode import Encoders
from shared.transcode.endpoint import Edge, Endpoint
from shared.transcode.publish import ContractApp, Further

POLL_SECONDS = 0.5
FIRST_SECONDS = 5.0
GRACE_SECONDS = 30.0
"""Calls under way to a system that was removed may end by themselves in this time, the longest that any may take."""

log = structlog.stdlib.get_logger("gateway")


@dataclass(frozen=True)
class Live:
    """A registered system that is being served."""

    row: RegisteredSystem
    channel: ServiceChannel
    backend: Backend
    further: Further

    @property
    def system(self) -> System:
        """Return it in the terms of the systems that the platform ships with."""
        row = self.row
        return System(row.name, row.prefix, row.name, row.title, row.description)


Connect = Callable[[RegisteredSystem, Contracts], tuple[ServiceChannel, Backend]]
"""Makes the connection to a system and what surrounds its calls."""


class LiveSystems:
    """Keeps the application's routes, documents and connections as the store says. Use as `async with`."""

    def __init__(
        self,
        app: ContractApp,
        edge: Edge,
        store: SystemStore,
        connect: Connect,
        changed: Callable[[Mapping[str, Live]], None] = lambda _: None,
    ) -> None:
        self._app, self._edge, self._connect, self._changed = app, edge, connect, changed
        self.store = store
        self.now: dict[str, Live] = {}
        """By name."""
        self._unfit: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._is_away = False

    async def follow(self) -> None:
        """Serve what the store says now. Raises PlatformError where it does not say."""
        async with self._lock:
            told = await self.store.registrations()
            gone = [name for name, one in self.now.items() if told.get(name) != one.row.registration_id]
            kept = {name: one for name, one in self.now.items() if name not in gone}
            new = [name for name, known in told.items() if name not in kept and self._unfit.get(name) != known]
            found = [one for one in [await self._adopted(name) for name in sorted(new)] if one is not None]
            if gone or found:
                self._serve({**kept, **{one.row.name: one for one in found}})

    def _serve(self, systems: dict[str, Live]) -> None:
        before, self.now = self.now, systems
        self._edge.backends.further({name: one.backend for name, one in systems.items()})
        self._app.publish_further([one.further for one in systems.values()])
        self._changed(systems)
        for one in before.values():
            if systems.get(one.row.name) is not one:
                self._close(one.channel)

    async def _adopted(self, name: str) -> Live | None:
        """Return a system of the store ready to be served, None for one that is gone or cannot be."""
        row = await self.store.get(name)
        if row is None:
            return None
        try:
            further = await asyncio.to_thread(prepared, row, self._edge)
        except PlatformError as error:
            self._unfit[name] = row.registration_id
            log.warning("a registered system is not served", system=name, reason=error.error_reason, why=error.detail)
            return None
        channel, backend = self._connect(row, further.contracts)
        return Live(row, channel, backend, further)

    def _close(self, channel: ServiceChannel) -> None:
        task = asyncio.create_task(channel.raw.close(GRACE_SECONDS))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def __aenter__(self) -> Self:
        """Return itself, following the store; one that does not answer now is asked again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_SECONDS):
                await self._tried()
        self._task = asyncio.create_task(self._following())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for task in self._closing:
            task.cancel()
        for one in self.now.values():
            await one.channel.close()

    async def _following(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self._tried()

    async def _tried(self) -> None:
        try:
            await self.follow()
            self._is_away = False
        except Exception as error:  # whatever it is, the systems that are known stay and the rest of the gateway too
            if not self._is_away:
                reason = error.error_reason if isinstance(error, PlatformError) else type(error).__name__
                log.warning("the store does not tell the registered systems; those known stay", reason=reason)
            self._is_away = True


def prepared(row: RegisteredSystem, edge: Edge) -> Further:
    """Return what a system adds to the application, compiled. Raises ContractRefused and the like."""
    try:
        files = FileDescriptorSet.FromString(row.descriptors).file
    except DecodeError:
        raise ContractRefused("its descriptors cannot be read") from None
    services = [f"{file.package}.{service.name}" for file in files for service in file.service]
    contracts = understood(row.name, row.prefix, services, files)
    # Converters are found by the names of messages, and another registration may give a name another meaning.
    own = replace(edge, encoders=Encoders(), decoders=Decoders())
    endpoints = compiled(contracts, own)
    return Further(row.title, contracts, endpoints)


def compiled(contracts: Contracts, edge: Edge) -> tuple[Endpoint, ...]:
    """Return the endpoints of a contract. Raises ContractRefused for one that cannot be compiled."""
    try:
        return tuple(Endpoint(method, edge) for method in contracts.published)
    except Exception as error:  # compilers fail in as many ways as contracts can be wrong: patterns, defaults, examples
        raise unpublishable(error) from error


def unpublishable(error: Exception) -> ContractRefused:
    """Return the refusal of a contract on which a compiler failed."""
    why: Any = error.detail if isinstance(error, PlatformError) else str(error).splitlines()[:1]
    return ContractRefused(f"the contract cannot be published: {type(error).__name__}: {str(why)[:200]}")
