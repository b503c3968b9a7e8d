"""How a process sends mail."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from shared.settings import ProcessSettings


class MailSettings(ProcessSettings):
    """Settings of a process that sends mail."""

    mail: Literal["outbox", "smtp", "ses"] = "outbox"
    """MAIL: `outbox` writes into VAR_DIR/outbox; `smtp` takes SMTP_*; `ses` takes the AWS_* variables."""
    mail_from: str = "Shop Insight <no-reply@localhost>"
    """MAIL_FROM: who the mail is from; with SES an address or domain that Amazon has confirmed."""
    smtp_host: str = ""
    """SMTP_HOST: the server that takes our mail."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    """SMTP_PORT: 587 for STARTTLS, 465 for TLS from the start."""
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    """SMTP_USER, SMTP_PASSWORD: left out where the server asks for none."""
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    """SMTP_TLS: `none` only for a server on this machine."""

    @model_validator(mode="after")
    def smtp_is_whole(self) -> Self:
        """Return the settings if they say where SMTP is, and send no password in the clear to another machine."""
        if self.mail != "smtp":
            return self
        if not self.smtp_host:
            raise ValueError("MAIL=smtp needs SMTP_HOST; set it, or MAIL=outbox to write mail into a folder")
        if self.smtp_tls == "none" and self.smtp_host not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("SMTP_TLS=none sends links that let one in through the network; use starttls or tls")
        return self
