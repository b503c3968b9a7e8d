"""Registering a system: its name, prefix and address checked, its contract read and tried, all before it is kept."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from gateway.registered import reflection
from gateway.registered.address import Places
from gateway.registered.channel import SystemChannel, connected
from gateway.registered.contract import known_files, understood
from gateway.registered.live import Live, LiveSystems, prepared, unpublishable
from gateway.registered.store import RegisteredSystem, SystemExists
from gateway.registered.zones import make_zone
from shared.errors import Conflict, FieldError, NotFound
from shared.permissions import RESOURCES
from shared.rpc.channel import ServiceChannel
from shared.system_tokens import SystemTokens
from shared.systems import SYSTEMS
from shared.transcode.endpoint import Edge
from shared.transcode.publish import Further

NAME = r"[a-z][a-z0-9_]{1,30}[a-z0-9]"
PREFIX = r"[a-z][a-z0-9-]{1,46}[a-z0-9]"
PLAIN = r"[^<>\x00-\x1f\x7f]*"
ZONES = ("raw", "curated", "quarantine", "archive", "prod")
PACKAGES = ("common", "google", "grpc", "protos")
OTHERS = ("batch", "gateway", "lake", "pii", "public", "web")
RESERVED_NAMES = frozenset((*RESOURCES, *ZONES, *PACKAGES, *OTHERS))
# Those of the contracts and of hand-written endpoints are known at run time; these are ours whatever is published.
RESERVED_PREFIXES = frozenset(
    (
        *("alert-rules", "analytics", "api", "cache", "dashboards", "docs", "health", "ingest"),
        *("metrics", "operations", "realtime", "redoc", "systems", "v1"),
    )
)


log = structlog.stdlib.get_logger("gateway")


class NameTaken(Conflict):
    """The name or the prefix belongs to the platform."""

    reason = "SYSTEM_NAME_RESERVED"


class UnknownRegistration(NotFound):
    """No registered system has that name; those that the platform ships with are not removed."""

    reason = "SYSTEM_NOT_FOUND"


class Asked(BaseModel):
    """What a registration says."""

    model_config = ConfigDict(extra="forbid", str_max_length=500)

    name: str = Field(pattern=f"^{NAME}$")
    title: str = Field(min_length=1, max_length=120, pattern=f"^{PLAIN}$")
    prefix: str = Field(pattern=f"^{PREFIX}$")
    address: str = Field(min_length=3, max_length=255)
    description: str = Field(default="", max_length=500, pattern=f"^{PLAIN}$")
    tls: StrictBool = False


@dataclass(frozen=True)
class Registry:
    """Registers and removes systems."""

    live: LiveSystems
    edge: Edge
    places: Places
    authority: Path | None
    document: Callable[[Collection[Further]], Mapping[str, Any]]
    """Makes the OpenAPI document with these systems in it."""
    names: Collection[str]
    """Names of the services and proto packages of this installation."""
    paths: Collection[str]
    """Paths of its own endpoints."""
    tokens: SystemTokens
    services: Collection[ServiceChannel]
    """The services of this installation."""
    tried: asyncio.Semaphore
    """Registrations at a time: each holds descriptors and compiles them."""

    async def register(self, asked: Asked, subject: str) -> Live:
        """Return the system, served by this replica from now on and by the others within a second.

        Raises SystemExists, NameTaken, AddressRefused, SystemUnreachable, NoReflection, ContractRefused and the like.
        """
        async with self.tried:
            await self.live.follow()
            self._check_free(asked)
            await self.places.check(asked.address, asked.tls)
            row = new_row(asked, subject, await self._told(asked))
            await asyncio.to_thread(self._try, row)
            await self._make_zone(row)
            await self.live.store.add(row)
        log.info("a system was registered", system=row.name, prefix=row.prefix, address=row.address, by=subject)
        await self.live.follow()
        found = self.live.now.get(asked.name)
        if found is None or found.row.registration_id != row.registration_id:
            raise SystemExists(f"system {asked.name!r} was removed while it was being registered")
        return found

    async def remove(self, name: str, subject: str) -> None:
        """Serve a system no more. Raises UnknownRegistration."""
        removed = await self.live.store.remove(name)
        if removed:
            log.info("a system was removed", system=name, by=subject)
        await self.live.follow()
        if not removed:
            raise UnknownRegistration(f"no registered system is called {name[:60]!r}")

    def _check_free(self, asked: Asked) -> None:
        shipped = {system.prefix for system in SYSTEMS}
        if asked.name in RESERVED_NAMES or asked.name in self.names:
            raise taken("name", f"{asked.name!r} is a name of the platform's own; choose another")
        if asked.prefix in RESERVED_PREFIXES | shipped or asked.prefix in self._first_parts():
            raise taken("prefix", f"/api/v1/{asked.prefix} belongs to the platform; choose another prefix")
        for one in self.live.now.values():
            if asked.name == one.row.name or asked.prefix == one.row.prefix:
                raise SystemExists(
                    f"system {one.row.name!r} at /api/v1/{one.row.prefix} is registered; remove it first"
                )

    def _first_parts(self) -> set[str]:
        return {path.split("/")[3] for path in self.paths if path.startswith("/api/v1/")}

    async def _told(self, asked: Asked) -> list[FileDescriptorProto]:
        """Return the files of the services that the server has."""
        raw = connected(asked.address, asked.tls, self.authority, max_receive_message_length=reflection.MOST_BYTES)
        try:
            services, files = await reflection.read(raw, known_files())
        finally:
            await raw.close()
        # Judged before anything else is done with it: `prepared` sees the same again, on every replica.
        await asyncio.to_thread(understood, asked.name, asked.prefix, services, files)
        return [served(file, services) for file in files]

    async def _make_zone(self, row: RegisteredSystem) -> None:
        async with SystemChannel(row.name, connected(row.address, row.tls, self.authority), self.tokens) as system:
            await make_zone(row.name, row.title, row.description, system=system, services=self.services)

    def _try(self, row: RegisteredSystem) -> None:
        """Compile the contract and the document with it. Raises ContractRefused."""
        further = prepared(row, self.edge)
        try:
            document = self.document([*(one.further for one in self.live.now.values()), further])
            ids = [one["operationId"] for item in document["paths"].values() for one in item.values()]
            twice = {one for one in ids if ids.count(one) > 1}
            if twice:
                raise ValueError(f"the document would have {sorted(twice)[0]} twice; give the service another name")
            orjson.dumps(document)
        except Exception as error:
            raise unpublishable(error) from error


def served(file: FileDescriptorProto, services: Collection[str]) -> FileDescriptorProto:
    """Return a file with those of its services that the server has."""
    mine = FileDescriptorProto()
    mine.CopyFrom(file)
    del mine.service[:]
    mine.service.extend(one for one in file.service if f"{file.package}.{one.name}" in services)
    mine.ClearField("source_code_info")
    return mine


def new_row(asked: Asked, subject: str, files: list[FileDescriptorProto]) -> RegisteredSystem:
    """Return the row of a new registration."""
    return RegisteredSystem(
        **asked.model_dump(),
        registration_id=uuid.uuid4().hex,
        descriptors=FileDescriptorSet(file=files).SerializeToString(),
        registered_by=subject,
        registered_at=datetime.now(UTC),
    )


def taken(field: str, detail: str) -> NameTaken:
    """Return the refusal of a name or prefix."""
    return NameTaken(detail, errors=[FieldError(field, detail)])
