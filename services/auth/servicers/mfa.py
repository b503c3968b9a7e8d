"""MfaService: the second factor."""
# ruff: noqa: N802  the contract names the methods

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from protos.auth.v1 import mfa_pb2, mfa_pb2_grpc
from services.auth.parts import Parts
from services.auth.servicers.messages import to_pair
from shared.principal import current
from shared.rpc.server import Service


@dataclass(frozen=True)
class MfaServicer(mfa_pb2_grpc.MfaServiceServicer):
    """Answers for second factors."""

    parts: Parts

    async def Enroll(self, request: mfa_pb2.EnrollRequest, _: Any) -> mfa_pb2.EnrollResponse:
        """Return what an authenticator app needs."""
        made = await self.parts.mfa.enroll(current.get().subject, request.password)
        return mfa_pb2.EnrollResponse(secret=made.secret, otpauth_uri=made.otpauth_uri, qr_svg=made.qr_svg)

    async def VerifyEnrollment(
        self, request: mfa_pb2.VerifyEnrollmentRequest, _: Any
    ) -> mfa_pb2.VerifyEnrollmentResponse:
        """Return the recovery codes."""
        recovery_codes = await self.parts.mfa.enable(current.get().subject, request.code)
        return mfa_pb2.VerifyEnrollmentResponse(recovery_codes=recovery_codes)

    async def DisableMfa(self, request: mfa_pb2.DisableMfaRequest, _: Any) -> mfa_pb2.DisableMfaResponse:
        """Turn the second factor off."""
        await self.parts.mfa.disable(current.get().subject, request.password, request.code)
        return mfa_pb2.DisableMfaResponse()

    async def FinishLogin(self, request: mfa_pb2.FinishLoginRequest, _: Any) -> mfa_pb2.FinishLoginResponse:
        """Return the first tokens of a session."""
        tokens, left = await self.parts.mfa.finish(request.mfa_challenge, request.code)
        return mfa_pb2.FinishLoginResponse(**to_pair(tokens), recovery_codes_left=left)


def service(parts: Parts) -> Service:
    """Return what the server registers."""
    descriptor = mfa_pb2.DESCRIPTOR.services_by_name["MfaService"]
    return Service(MfaServicer(parts), descriptor, mfa_pb2_grpc.add_MfaServiceServicer_to_server)
