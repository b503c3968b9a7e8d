"""Mail over SMTP, a connection for each: there are few, and servers close idle ones."""

from __future__ import annotations

import aiosmtplib

from shared.mail.mail import Mail, MailFailed
from shared.mail.settings import MailSettings

TIMEOUT_SECONDS = 20.0


class Smtp:
    """Hands mail to a server."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    async def send(self, mail: Mail) -> None:
        """Return once the server has taken the mail. Raises MailFailed."""
        known = self._settings
        try:
            await aiosmtplib.send(
                mail.message(known.mail_from),
                hostname=known.smtp_host,
                port=known.smtp_port,
                username=known.smtp_user or None,
                password=known.smtp_password.get_secret_value() or None,
                use_tls=known.smtp_tls == "tls",
                start_tls=known.smtp_tls == "starttls",
                timeout=TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            # What the server says may repeat the address.
            raise MailFailed(
                f"the mail server {known.smtp_host}:{known.smtp_port} did not take the mail ({type(error).__name__}); "
                "see SMTP_HOST, SMTP_PORT, SMTP_TLS and the login"
            ) from None
