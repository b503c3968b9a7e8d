"""What each role may do: `<system>:read`, `<system>:run`, `<system>:manage`, and `pii:read`.

Systems registered at run time have names that no token can have been made with, so all of them together are one more
resource: who holds `systems:read` may do whatever needs `<name>:read` of any of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from shared.systems import SYSTEMS

REGISTERED = "systems"
"""Stands for every system registered at run time."""
RESOURCES = (*(system.name for system in SYSTEMS), "pipeline", "auth", "platform", REGISTERED)
ACTIONS = ("read", "run", "manage")
PII_READ = "pii:read"

_OPEN_SYSTEMS = ("market_intel", "demand", "market_pulse", "copilot", REGISTERED)
"""Compliance is left out: fraud cases are for those who work on them."""


def _allow(resources: Iterable[str], *actions: str) -> frozenset[str]:
    """Return the permissions for those actions on those resources."""
    return frozenset(f"{resource}:{action}" for resource in resources for action in actions)


PERMISSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "admin": _allow(RESOURCES, *ACTIONS) | {PII_READ},
        "analyst": _allow(_OPEN_SYSTEMS, "read", "run") | {"compliance:read", "pipeline:read"},
        "investigator": (
            _allow(["compliance"], *ACTIONS) | _allow(["copilot"], "read", "run") | {"demand:read", PII_READ}
        ),
        "viewer": _allow(_OPEN_SYSTEMS, "read"),
        "api_user": _allow(_OPEN_SYSTEMS, "read"),
    }
)
"""Role → permissions. A role that is not here allows nothing."""

ROLES = tuple(PERMISSIONS)
SELF_REGISTERED_ROLE = "viewer"


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """Return everything the roles allow together."""
    return frozenset().union(*(PERMISSIONS.get(role, frozenset()) for role in roles))


def allows(held: Collection[str], permission: str) -> bool:
    """Return whether the permissions held allow what needs `permission`, that of a registered system among them."""
    if permission in held:
        return True
    resource, _, action = permission.partition(":")
    shipped = resource in RESOURCES or permission == PII_READ
    return not shipped and action in ACTIONS and f"{REGISTERED}:{action}" in held
