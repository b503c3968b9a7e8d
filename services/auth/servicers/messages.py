"""Domain values as messages, where several servicers answer with them."""

from __future__ import annotations

from typing import Any

from protos.auth.v1 import auth_pb2
from services.auth.accounts import Account
from services.auth.sessions import Tokens

BEARER = "Bearer"


def to_user(account: Account) -> auth_pb2.User:
    """Return an account as its owner sees it."""
    return auth_pb2.User(
        id=account.id,
        email=account.email,
        full_name=account.full_name,
        roles=account.roles,
        permissions=account.permissions,
        created_at=account.created_at,
        email_verified=account.email_verified,
        regions=account.regions or (),
        mfa_enabled=account.second_factor,
    )


def to_pair(tokens: Tokens) -> dict[str, Any]:
    """Return the fields that the answers with tokens have in common."""
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": BEARER,
        "expires_in": tokens.expires_in,
        "refresh_expires_in": tokens.refresh_expires_in,
        "user": to_user(tokens.account),
    }
