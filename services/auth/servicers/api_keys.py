"""ApiKeyService: keys for programs."""
# ruff: noqa: N802  the contract names the methods

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from protos.auth.v1 import api_keys_pb2 as pb
from protos.auth.v1 import api_keys_pb2_grpc
from services.auth.api_keys import end_of
from services.auth.parts import Parts
from services.auth.store import ApiKeyRow
from shared.principal import current
from shared.rpc.server import Service

DEFAULT_DAYS = 90
DEFAULT_OVERLAP_HOURS = 24


@dataclass(frozen=True)
class ApiKeyServicer(api_keys_pb2_grpc.ApiKeyServiceServicer):
    """Answers for the caller's API keys."""

    parts: Parts

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, _: Any) -> pb.ListApiKeysResponse:
        """Return the caller's keys."""
        rows = await self.parts.api_keys.held(current.get().subject)
        return pb.ListApiKeysResponse(items=[to_key(row) for row in rows], total_size=len(rows))

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, _: Any) -> pb.CreateApiKeyResponse:
        """Return a new key."""
        caller, lifetime = current.get(), timedelta(days=request.expires_in_days or DEFAULT_DAYS)
        await self.parts.sessions.require(caller)
        made = await self.parts.api_keys.create(caller, request.name, request.scopes, lifetime)
        return pb.CreateApiKeyResponse(key=made.key, api_key=to_key(made.row))

    async def RevokeApiKey(self, request: pb.RevokeApiKeyRequest, _: Any) -> pb.RevokeApiKeyResponse:
        """Return nothing: the key is revoked."""
        caller = current.get()
        await self.parts.sessions.require(caller)
        await self.parts.api_keys.revoke(caller.subject, request.id)
        return pb.RevokeApiKeyResponse()

    async def RotateApiKey(self, request: pb.RotateApiKeyRequest, _: Any) -> pb.RotateApiKeyResponse:
        """Return the successor of a key."""
        caller = current.get()
        await self.parts.sessions.require(caller)
        hours = request.overlap_hours if request.HasField("overlap_hours") else DEFAULT_OVERLAP_HOURS
        made = await self.parts.api_keys.rotate(caller, request.id, timedelta(hours=hours))
        return pb.RotateApiKeyResponse(key=made.key, api_key=to_key(made.row))

    async def Exchange(self, request: pb.ExchangeRequest, _: Any) -> pb.ExchangeResponse:
        """Return a token for a key."""
        found = await self.parts.api_keys.exchange(request.key)
        return pb.ExchangeResponse(access_token=found.access_token, expires_in=found.expires_in)


def service(parts: Parts) -> Service:
    """Return what the server registers."""
    descriptor = pb.DESCRIPTOR.services_by_name["ApiKeyService"]
    return Service(ApiKeyServicer(parts), descriptor, api_keys_pb2_grpc.add_ApiKeyServiceServicer_to_server)


def to_key(row: ApiKeyRow) -> pb.ApiKey:
    """Return what is kept of a key."""
    return pb.ApiKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=row.scopes.split(),
        created_at=row.created_at,
        expires_at=end_of(row),
        last_used_at=row.last_used_at,
        rotated_from=row.rotated_from or None,
        rotated=row.overlap_ends_at is not None,
    )
