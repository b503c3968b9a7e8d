"""What the auth service is told from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from shared.mail.settings import MailSettings


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

    @property
    def store_url(self) -> str:
        """Return the URL of the database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.var_dir.absolute()}/auth/auth.db"

    @property
    def keys_dir(self) -> Path:
        """Return the folder of the signing keys."""
        return self.var_dir / "auth" / "keys"
