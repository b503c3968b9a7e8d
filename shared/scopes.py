"""What an OAuth client may ask for: to know who somebody is, and any permission, as far as its user has it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from shared.permissions import PERMISSIONS, permissions_of

OPENID = "openid"
PROFILE = "profile"
EMAIL = "email"

IDENTITY: Mapping[str, str] = MappingProxyType(
    {
        OPENID: "Know who you are, by an ID token",
        PROFILE: "Know your name",
        EMAIL: "Know your e-mail address",
    }
)
PERMISSION: Mapping[str, str] = MappingProxyType(
    {
        name: f"Do what needs `{name}`, as far as you may yourself"
        for name in sorted(frozenset().union(*PERMISSIONS.values()))
    }
)
CLIENT_ROLE = "api_user"
"""What an OAuth client is when it acts for itself."""
CLIENT: Mapping[str, str] = MappingProxyType({name: PERMISSION[name] for name in sorted(permissions_of([CLIENT_ROLE]))})
"""What it may ask for then."""
SCOPES: Mapping[str, str] = MappingProxyType({**IDENTITY, **PERMISSION})
"""Every scope with what it lets a client do."""
