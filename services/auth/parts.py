"""What the servicers of the auth process answer with, made once by the wiring."""

from __future__ import annotations

from dataclasses import dataclass

from services.auth.accounts import Accounts
from services.auth.api_keys import ApiKeys
from services.auth.audit_log import AuditLog
from services.auth.keys import LocalKeys
from services.auth.letters import Letters
from services.auth.mfa.factors import Mfa
from services.auth.oauth.server import OAuth
from services.auth.passwords import Passwords
from services.auth.profile import Profile
from services.auth.recovery import Recovery
from services.auth.revocations import LocalRevocations
from services.auth.sessions import Sessions
from services.auth.users import Users
from shared.tokens import TokenVerifier


@dataclass(frozen=True)
class Parts:
    """The domain objects of the process."""

    accounts: Accounts
    profile: Profile
    users: Users
    api_keys: ApiKeys
    audit_log: AuditLog
    recovery: Recovery
    letters: Letters
    sessions: Sessions
    keys: LocalKeys
    revocations: LocalRevocations
    verifier: TokenVerifier
    oauth: OAuth
    mfa: Mfa
    passwords: Passwords
    issuer: str
    audience: str
