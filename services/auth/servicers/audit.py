"""AuditService: who did what, when and from where."""
# ruff: noqa: N802  the contract names the methods

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any

from protos.auth.v1 import audit_pb2 as pb
from protos.auth.v1 import audit_pb2_grpc
from services.auth.audit_log import Asked, AuditBroken, details
from services.auth.parts import Parts
from services.auth.store import AuditRow
from shared.rpc.server import Service


@dataclass(frozen=True)
class AuditServicer(audit_pb2_grpc.AuditServiceServicer):
    """Answers administrators."""

    parts: Parts

    async def ListAuditLog(self, request: pb.ListAuditLogRequest, _: Any) -> pb.ListAuditLogResponse:
        """Return a page of entries."""
        asked = Asked(
            actor=request.actor,
            action=request.action,
            target=request.target,
            address=request.address,
            since=request.since.ToDatetime(UTC) if request.HasField("since") else None,
            until=request.until.ToDatetime(UTC) if request.HasField("until") else None,
            size=request.page_size,
            token=request.page_token,
        )
        found = await self.parts.audit_log.page(asked)
        items = [to_entry(row) for row in found.rows]
        return pb.ListAuditLogResponse(items=items, next_page_token=found.next_token, total_size=found.total)

    async def VerifyAuditLog(self, request: pb.VerifyAuditLogRequest, _: Any) -> pb.VerifyAuditLogResponse:
        """Return where the chain ends, or where it breaks."""
        try:
            end = await self.parts.audit_log.verify()
        except AuditBroken as broken:
            return pb.VerifyAuditLogResponse(broken=str(broken))
        return pb.VerifyAuditLogResponse(whole=True, seq=end.seq, hash=end.hash)


def service(parts: Parts) -> Service:
    """Return what the server registers."""
    descriptor = pb.DESCRIPTOR.services_by_name["AuditService"]
    return Service(AuditServicer(parts), descriptor, audit_pb2_grpc.add_AuditServiceServicer_to_server)


def to_entry(row: AuditRow) -> pb.AuditEntry:
    """Return an entry with its place in the chain."""
    return pb.AuditEntry(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        target=row.target,
        address=row.address,
        details=details(row),
        prev_hash=row.prev_hash,
        hash=row.hash,
    )
