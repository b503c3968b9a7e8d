"""SystemTokenService: what a registered system is shown of its caller."""
# ruff: noqa: N802  the contract names the methods

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from protos.auth.v1 import system_tokens_pb2 as pb
from protos.auth.v1 import system_tokens_pb2_grpc
from services.auth.parts import Parts
from services.auth.system_tokens import exchanged, scheduled
from shared.principal import current
from shared.rpc.access import TokenMissing
from shared.rpc.server import Service


@dataclass(frozen=True)
class SystemTokenServicer(system_tokens_pb2_grpc.SystemTokenServiceServicer):
    """Answers for the tokens of registered systems."""

    parts: Parts

    async def ExchangeToken(self, request: pb.ExchangeTokenRequest, _: Any) -> pb.ExchangeTokenResponse:
        """Return a token of the caller's for one system."""
        token = current.get().token
        if not token:
            raise TokenMissing("only a token that holds is swapped for one of a system")
        known = await self.parts.verifier.inspect(token)
        made = exchanged(self.parts.keys, known, **self._named(request.system), now=time.time())
        return pb.ExchangeTokenResponse(access_token=made.access_token, expires_in=made.expires_in)

    async def IssueScheduleToken(self, request: pb.IssueScheduleTokenRequest, _: Any) -> pb.IssueScheduleTokenResponse:
        """Return the schedule's token for one system."""
        made = scheduled(self.parts.keys, **self._named(request.system))
        return pb.IssueScheduleTokenResponse(access_token=made.access_token, expires_in=made.expires_in)

    def _named(self, system: str) -> dict[str, str]:
        return {"issuer": self.parts.issuer, "audience": self.parts.audience, "system": system}


def service(parts: Parts) -> Service:
    """Return what the server registers."""
    descriptor = pb.DESCRIPTOR.services_by_name["SystemTokenService"]
    return Service(
        SystemTokenServicer(parts), descriptor, system_tokens_pb2_grpc.add_SystemTokenServiceServicer_to_server
    )
