"""What the gateway is told from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from shared.settings import Address, ProcessSettings, words


class GatewaySettings(ProcessSettings):
    """Settings of the gateway: those of every process and its own."""

    http_address: Address = "127.0.0.1:8000"
    web_dist: Path = Path("web/dist")
    """WEB_DIST: the built web application; without it `/` says how to build it."""
    cors_origins: Annotated[Sequence[str], NoDecode, BeforeValidator(words)] = ()
    """CORS_ORIGINS: other sites whose pages may call, separated by commas; none by default."""
    hsts_seconds: int = Field(default=0, ge=0)
    """HSTS_SECONDS: how long browsers shall insist on TLS; 0 sends no such header."""
    secure_cookies: bool | None = None
    """SECURE_COOKIES: cookies over TLS alone; when not set, as ISSUER begins with https."""
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    """MAX_BODY_BYTES: the longest request body read."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=30)
    """TIMEOUT_SECONDS: deadline of a call for which the caller names none."""
    oauth_password_grant: bool = False
    """OAUTH_PASSWORD_GRANT: show in the document that the token endpoint takes passwords; set it for both."""
    identity_service: str = ""
    """IDENTITY_SERVICE: name of the service that signs tokens; when not set, whichever publishes the keys."""

    @property
    def cookies_need_tls(self) -> bool:
        """Return whether cookies are marked Secure."""
        return self.issuer.startswith("https:") if self.secure_cookies is None else self.secure_cookies
