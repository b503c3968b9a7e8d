"""The auth process over gRPC, a module for each proto service: messages to calls and back, nothing else."""

from __future__ import annotations

from services.auth.parts import Parts
from services.auth.servicers import accounts, api_keys, audit, auth, mfa, oauth, system_tokens, users
from shared.operations.servicer import NoOperations, operation_service
from shared.rpc.server import Service


def services(parts: Parts) -> list[Service]:
    """Return what the server registers."""
    modules = (auth, accounts, users, api_keys, audit, mfa, oauth, system_tokens)
    return [*(module.service(parts) for module in modules), operation_service(NoOperations("auth"))]
