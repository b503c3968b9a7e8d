"""Tokens for registered systems: no more than one such system needs, and of no use anywhere else (RFC 8693).

A caller's own token would let whoever runs the system act as the caller everywhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.errors import InvalidArgument
from shared.permissions import ACTIONS, PII_READ, RESOURCES
from shared.tokens import Signing, TokenExpired, TokenSigner, Verified, system_audience

LIFETIME_SECONDS = 120
SCHEDULE = "schedule"
"""Subject, and session, of tokens that nobody holds but the schedule; users' ids are 32 hexadecimal digits."""
NAME = re.compile(r"[a-z][a-z0-9_]{1,30}[a-z0-9]")


class NotARegisteredSystem(InvalidArgument):
    """The name is that of a part of the platform, which takes the platform's own tokens, or no name at all."""

    reason = "NOT_A_REGISTERED_SYSTEM"


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A token for one system and the seconds until it ends."""

    access_token: str
    expires_in: int

    def __repr__(self) -> str:
        """Return when it ends, without it."""
        return f"Exchanged(expires_in={self.expires_in})"


def exchanged(keys: Signing, known: Verified, *, issuer: str, audience: str, system: str, now: float) -> Exchanged:
    """Return what the named system is shown in place of a verified token.

    It has the caller's subject, session, regions and program, the permissions for that system, `pii:read` where the
    caller holds it, and no roles. It ends with the token it was made of. Raises NotARegisteredSystem, TokenExpired.
    """
    check_registered(system)
    seconds = min(LIFETIME_SECONDS, int(known.expires_at - now))
    if seconds < 1:
        raise TokenExpired("the access token has expired; refresh it or log in again")
    caller = known.principal
    held = [name for name in (*(f"{system}:{action}" for action in ACTIONS), PII_READ) if caller.may(name)]
    signer = TokenSigner(keys, issuer, system_audience(audience, system), seconds)
    token = signer.sign(caller.subject, (), held, caller.session_id, caller.regions, client_id=caller.client_id)
    return Exchanged(token, seconds)


def scheduled(keys: Signing, *, issuer: str, audience: str, system: str) -> Exchanged:
    """Return what the named system is shown by the schedule: that it may run its batch. Raises NotARegisteredSystem."""
    check_registered(system)
    signer = TokenSigner(keys, issuer, system_audience(audience, system), LIFETIME_SECONDS)
    return Exchanged(signer.sign(SCHEDULE, (), [f"{system}:run"], SCHEDULE, None), LIFETIME_SECONDS)


def check_registered(system: str) -> None:
    """Raise NotARegisteredSystem for a part of the platform, or no name at all."""
    if NAME.fullmatch(system) is None or system in RESOURCES:
        raise NotARegisteredSystem(f"{system[:40]!r} is no registered system")
