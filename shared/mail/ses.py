"""Mail through Amazon SES."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aioboto3
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from shared.mail.mail import Mail, MailFailed
from shared.mail.settings import MailSettings

CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 3, "mode": "standard"})


class Ses:
    """Hands mail to SES."""

    def __init__(self, client: Any, sender: str) -> None:
        self._client, self._sender = client, sender

    async def send(self, mail: Mail) -> None:
        """Return once SES has taken the mail. Raises MailFailed."""
        raw = bytes(mail.message(self._sender))
        try:
            await self._client.send_raw_email(Source=self._sender, RawMessage={"Data": raw})
        except (BotoCoreError, ClientError) as error:
            told = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            raise MailFailed(f"SES did not take the mail ({told}); is MAIL_FROM confirmed in this region?") from None


@asynccontextmanager
async def ses_client(settings: MailSettings) -> AsyncIterator[Ses]:
    """Yield a mailer over one long-lived client, reached as the AWS_ variables say."""
    options: Mapping[str, str] = settings.storage_options
    session = aioboto3.Session(
        aws_access_key_id=options.get("aws_access_key_id"),
        aws_secret_access_key=options.get("aws_secret_access_key"),
        aws_session_token=options.get("aws_session_token"),
        region_name=options.get("aws_region"),
    )
    async with session.client("ses", endpoint_url=options.get("aws_endpoint_url"), config=CONFIG) as client:
        yield Ses(client, settings.mail_from)
