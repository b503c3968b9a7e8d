"""What the auth service is told from outside."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from services.auth.keys import Rotation
from shared.mail.settings import MailSettings
from shared.permissions import ROLES
from shared.settings import words


def is_loopback(address: str) -> bool:
    """Return whether a URL stays on this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class AuthSettings(MailSettings):
    """Settings of the auth process."""

    database_url: str = ""
    """DATABASE_URL: `sqlite+aiosqlite:///…` or `mysql+asyncmy://…`; a file below VAR_DIR when not set."""
    registration: Literal["open", "invitation"] = "open"
    """REGISTRATION: whether anybody may make an account with the viewer role."""
    require_verified_email: bool = False
    """REQUIRE_VERIFIED_EMAIL: refuse the login of accounts whose e-mail address was never confirmed."""
    breached_passwords: Path | None = None
    """BREACHED_PASSWORDS: a copy of the Pwned Passwords set, a folder of range files or one file sorted by hash."""

    redis_url: str = Field(default="", pattern=r"^((rediss?|unix)://.+)?$", repr=False)
    """REDIS_URL: `redis://…`; replicas then tell each other of revocations at once. Without it they look by turns."""
    key_rotation_days: int = Field(default=90, ge=1)
    """KEY_ROTATION_DAYS: how long a signing key signs before the next is made."""
    key_publish_minutes: float = Field(default=10, ge=0)
    """KEY_PUBLISH_MINUTES: how long a new key is published before it signs; verifiers keep a copy for five."""
    oauth_password_grant: bool = False
    """OAUTH_PASSWORD_GRANT: Swagger may ask for a password itself; for an ISSUER on loopback alone."""
    require_mfa_roles: Annotated[Sequence[str], NoDecode, BeforeValidator(words)] = ()
    """REQUIRE_MFA_ROLES: roles that count for nothing without a second factor, such as `admin`, by commas."""

    mfa_issuer: str = "Shop Insight"
    """MFA_ISSUER: what authenticator apps call this platform."""

    @model_validator(mode="after")
    def passwords_stay_here(self) -> Self:
        """Return the settings if no program beyond this machine may ask for passwords."""
        if self.oauth_password_grant and not is_loopback(self.issuer):
            raise ValueError("OAUTH_PASSWORD_GRANT is for an ISSUER on loopback; elsewhere use authorization codes")
        return self

    @model_validator(mode="after")
    def roles_exist(self) -> Self:
        """Return the settings if they name roles that there are."""
        unknown = sorted(set(self.require_mfa_roles) - set(ROLES))
        if unknown:
            raise ValueError(f"REQUIRE_MFA_ROLES: {', '.join(unknown)}; the roles are {', '.join(ROLES)}")
        return self

    @property
    def rotation(self) -> Rotation:
        """Return when signing keys change."""
        return Rotation(timedelta(days=self.key_rotation_days), timedelta(minutes=self.key_publish_minutes))

    @property
    def secrets_dir(self) -> Path:
        """Return the folder of the keys that what is stored is sealed with."""
        return self.var_dir / "secrets"

    @property
    def store_url(self) -> str:
        """Return the URL of the database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.var_dir.absolute()}/auth/auth.db"

    @property
    def keys_dir(self) -> Path:
        """Return the folder of the signing keys."""
        return self.var_dir / "auth" / "keys"
