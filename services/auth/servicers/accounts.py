"""AccountService: one's own profile, password and sessions, and links sent by mail."""
# ruff: noqa: N802  the contract names the methods

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from protos.auth.v1 import accounts_pb2 as pb
from protos.auth.v1 import accounts_pb2_grpc
from services.auth.parts import Parts
from services.auth.servicers.messages import to_user
from services.auth.store import SessionRow
from shared.principal import current
from shared.rpc.server import Service


@dataclass(frozen=True)
class AccountServicer(accounts_pb2_grpc.AccountServiceServicer):
    """Answers for one's own account."""

    parts: Parts

    async def UpdateMe(self, request: pb.UpdateMeRequest, _: Any) -> pb.UpdateMeResponse:
        """Return the account with what was changed, and the address that a link was sent to."""
        caller = current.get()
        await self.parts.sessions.require(caller)
        name = request.full_name if request.HasField("full_name") else None
        email = request.email if request.HasField("email") else None
        account, pending = await self.parts.profile.update(caller, name, email, request.current_password)
        return pb.UpdateMeResponse(user=to_user(account), pending_email=pending)

    async def ChangePassword(self, request: pb.ChangePasswordRequest, _: Any) -> pb.ChangePasswordResponse:
        """Return how many other sessions ended."""
        caller = current.get()
        await self.parts.sessions.require(caller)
        ended = await self.parts.profile.change_password(caller, request.current_password, request.new_password)
        return pb.ChangePasswordResponse(sessions_ended=ended)

    async def ListSessions(self, request: pb.ListSessionsRequest, _: Any) -> pb.ListSessionsResponse:
        """Return the caller's sessions."""
        caller = current.get()
        rows = await self.parts.sessions.running(caller)
        items = [to_session(row, caller.session_id) for row in rows]
        return pb.ListSessionsResponse(items=items, total_size=len(items))

    async def EndSession(self, request: pb.EndSessionRequest, _: Any) -> pb.EndSessionResponse:
        """Return how many sessions ended."""
        return pb.EndSessionResponse(sessions_ended=await self.parts.sessions.end_one(current.get(), request.id))

    async def VerifyEmail(self, request: pb.VerifyEmailRequest, _: Any) -> pb.VerifyEmailResponse:
        """Return the address that is confirmed now."""
        return pb.VerifyEmailResponse(email=await self.parts.recovery.verify_email(request.token))

    async def ResendVerification(self, request: pb.ResendVerificationRequest, _: Any) -> pb.ResendVerificationResponse:
        """Return nothing, whatever comes of it."""
        self.parts.recovery.resend(request.email)
        return pb.ResendVerificationResponse()

    async def ForgotPassword(self, request: pb.ForgotPasswordRequest, _: Any) -> pb.ForgotPasswordResponse:
        """Return nothing, whatever comes of it."""
        self.parts.recovery.forgot(request.email)
        return pb.ForgotPasswordResponse()

    async def ResetPassword(self, request: pb.ResetPasswordRequest, _: Any) -> pb.ResetPasswordResponse:
        """Return how many sessions ended."""
        ended = await self.parts.recovery.reset_password(request.token, request.new_password)
        return pb.ResetPasswordResponse(sessions_ended=ended)


def service(parts: Parts) -> Service:
    """Return what the server registers."""
    descriptor = pb.DESCRIPTOR.services_by_name["AccountService"]
    return Service(AccountServicer(parts), descriptor, accounts_pb2_grpc.add_AccountServiceServicer_to_server)


def to_session(row: SessionRow, mine: str) -> pb.Session:
    """Return a session as its owner sees it."""
    return pb.Session(
        id=row.id,
        created_at=row.created_at,
        last_used_at=row.last_used_at or row.created_at,
        expires_at=row.expires_at,
        user_agent=row.user_agent,
        address=row.address,
        current=row.id == mine,
    )
