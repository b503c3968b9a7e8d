"""What the auth service is told from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from shared.settings import ProcessSettings


class AuthSettings(ProcessSettings):
    """Settings of the auth process."""

    database_url: str = ""
    """DATABASE_URL: `sqlite+aiosqlite:///…` or `mysql+asyncmy://…`; a file below VAR_DIR when not set."""
    registration: Literal["open", "invitation"] = "open"
    """REGISTRATION: whether anybody may make an account with the viewer role."""

    @property
    def store_url(self) -> str:
        """Return the URL of the database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.var_dir.absolute()}/auth/auth.db"

    @property
    def keys_dir(self) -> Path:
        """Return the folder of the signing keys."""
        return self.var_dir / "auth" / "keys"
