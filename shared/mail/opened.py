"""The mailer that a process's settings ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.mail.mail import Mailer
from shared.mail.outbox import Outbox
from shared.mail.settings import MailSettings


@asynccontextmanager
async def open_mailer(settings: MailSettings) -> AsyncIterator[Mailer]:
    """Yield what sends mail as the settings say."""
    if settings.mail == "outbox":
        yield Outbox(settings.var_dir / "outbox", settings.mail_from)
    elif settings.mail == "smtp":
        from shared.mail.smtp import Smtp  # noqa: PLC0415  only where it is used is it installed

        yield Smtp(settings)
    else:
        from shared.mail.ses import ses_client  # noqa: PLC0415

        async with ses_client(settings) as ses:
            yield ses
