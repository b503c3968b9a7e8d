"""The mails of the auth service, written after the request that asked for them has been answered.

What a request does, and how long that takes, is so the same for an address that has an account and for one that has
none: it puts a letter in a queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from datetime import datetime
from types import MappingProxyType

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.auth import audit, links
from services.auth.account_fields import normal_email
from services.auth.accounts import by_email
from services.auth.post import Letter, MailBusy, Purpose
from services.auth.store import UserRow, now
from shared.db import Database
from shared.errors import PlatformError
from shared.mail import Mail, Mailer

MOST_WAITING = 1000
DRAIN_SECONDS = 5.0
PAGES: Mapping[Purpose, str] = MappingProxyType(
    {
        Purpose.VERIFY: "verify-email",
        Purpose.CHANGE: "verify-email",
        Purpose.RESET: "reset-password",
        Purpose.INVITE: "reset-password",
    }
)
WORDS: Mapping[Purpose, tuple[str, str]] = MappingProxyType(
    {
        Purpose.VERIFY: (
            "Confirm your e-mail address",
            "Open this link within 24 hours to confirm your e-mail address:\n\n{link}\n\n"
            "If you did not register, you need not do anything.",
        ),
        Purpose.CHANGE: (
            "Confirm your new e-mail address",
            "Open this link within 2 hours to use this e-mail address for your account:\n\n{link}\n\n"
            "If you did not ask for this, you need not do anything.",
        ),
        Purpose.RESET: (
            "Choose a new password",
            "Open this link within 30 minutes to choose a new password:\n\n{link}\n\n"
            "If you did not ask for this, you need not do anything: your password stays as it is.",
        ),
        Purpose.INVITE: (
            "You have been invited",
            "An account was made for you. Open this link within 7 days to choose your password:\n\n{link}",
        ),
        Purpose.PASSWORD_CHANGED: (
            "Your password was changed",
            "The password of your account was changed. If that was not you, choose a new one at once:\n\n{root}",
        ),
        Purpose.EMAIL_CHANGED: (
            "Your e-mail address was changed",
            "Your account has another e-mail address now. If that was not you, tell your administrator at once.\n\n"
            "{root}",
        ),
        Purpose.MFA_RESET: (
            "Two-factor login was turned off",
            "An administrator has turned off two-factor login for your account and ended all its sessions. Log in and "
            "enrol your app anew. If you did not ask for this, tell your administrator at once.\n\n{root}",
        ),
    }
)

log = structlog.get_logger(__name__)


class Letters:
    """Takes letters and writes them one after the other. Use inside `async with writing(…)`."""

    def __init__(self, database: Database, mailer: Mailer, root: str, clock: Callable[[], datetime] = now) -> None:
        self._database, self._mailer, self._root, self._clock = database, mailer, root.rstrip("/"), clock
        self._waiting: asyncio.Queue[tuple[Letter, Context]] = asyncio.Queue(MOST_WAITING)

    def ask(self, letter: Letter) -> None:
        """Have a letter written soon. Raises MailBusy when too many wait."""
        try:
            self._waiting.put_nowait((letter, copy_context()))
        except asyncio.QueueFull as error:
            raise MailBusy("too many mails wait to be sent; try again in a minute") from error

    async def run(self) -> None:
        """Write for ever. A mail that cannot be sent is logged, without whom it was for, and not tried again."""
        while True:
            letter, asked = await self._waiting.get()
            try:
                # In the context of the request: its trace, and its client in the audit log.
                await asyncio.create_task(self._send(letter), context=asked)
            except PlatformError as error:
                log.warning("auth.mail_failed", purpose=letter.purpose, reason=error.error_reason, detail=error.detail)
            except Exception:
                log.exception("auth.mail_failed", purpose=letter.purpose)
            finally:
                self._waiting.task_done()

    async def drained(self) -> None:
        """Return once everything asked for so far is written."""
        await self._waiting.join()

    async def _send(self, letter: Letter) -> None:
        mail = await self._written(letter)
        if mail is not None:
            await self._mailer.send(mail)

    async def _written(self, letter: Letter) -> Mail | None:
        """Return the mail, None where there is nobody to write to or somebody has just been written to."""
        async with self._database.transaction() as session:
            row = await self._reader(session, letter)
            if row is None or row.disabled_at is not None or row.deleted_at is not None:
                return None
            if letter.purpose == Purpose.VERIFY and row.email_verified_at is not None:
                return None
            if letter.proved and letter.proved != row.password_hash:
                return None
            address = letter.email if letter.purpose in (Purpose.CHANGE, Purpose.EMAIL_CHANGED) else row.email
            link = await self._link(session, letter.purpose, row.id, address)
        if link is None:
            return None
        subject, text = WORDS[letter.purpose]
        # No name in it: whoever registers an address of somebody else chooses that name.
        return Mail(address, subject, f"Hello,\n\n{text.format(link=link, root=self._root)}\n")

    async def _reader(self, session: AsyncSession, letter: Letter) -> UserRow | None:
        # Held, like everywhere the user first and the links after it, so that no two wait for each other.
        if letter.user_id:
            return await session.get(UserRow, letter.user_id, with_for_update=True)
        return await by_email(session, normal_email(letter.email), lock=True)

    async def _link(self, session: AsyncSession, purpose: Purpose, user_id: str, address: str) -> str | None:
        """Return the link to put in, empty where none is needed, None where one was sent a moment ago."""
        if purpose not in PAGES:
            return ""
        moment = self._clock()
        if await links.too_soon(session, user_id, purpose, address, moment):
            return None
        token = await links.issue(session, user_id, purpose, address, moment)
        if purpose == Purpose.RESET:
            await audit.append(session, "password.reset_asked", actor="", target=user_id)
        # After the #: browsers send that to no server, so it stands in no log and no Referer.
        return f"{self._root}/{PAGES[purpose]}#token={token}"


@asynccontextmanager
async def writing(letters: Letters) -> AsyncIterator[Letters]:
    """Yield the letters while they are being written; what is still waiting at the end gets a few seconds."""
    task = asyncio.create_task(letters.run(), name="letters")
    try:
        yield letters
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await letters.drained()
        except TimeoutError:
            log.warning("auth.mail_dropped", remedy="people may ask again")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
