"""Brings an event to its channels: mail to the rule's owner, and webhooks; tried again where that may help."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog

from gateway.alerts.book import Book
from gateway.alerts.rules import channels_of
from gateway.alerts.store import FAILED, SENT, AlertEvent, AlertNotice, AlertRule
from gateway.alerts.webhooks import Webhooks
from gateway.alerts.wording import mail_of, webhook_body
from shared.errors import FailedPrecondition, Internal, PlatformError, Unavailable
from shared.mail import Mailer
from shared.seal import Seal
from shared.standing import Standings

AGAIN_AFTER = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800))
"""Pauses after the first attempts; one that fails after the last is given up."""

AT_ONCE = 8
MAIL_SECONDS = 25.0

log = structlog.stdlib.get_logger("gateway")


class ChannelGone(FailedPrecondition):
    """The rule has no such channel any more."""

    reason = "CHANNEL_GONE"


class NoAddress(FailedPrecondition):
    """The rule's owner has confirmed no e-mail address."""

    reason = "EMAIL_NOT_VERIFIED"


class OwnerMayNotRead(FailedPrecondition):
    """The rule's owner may not see its figure: the account is closed, or its roles are others now."""

    reason = "OWNER_MAY_NOT_READ"


class Delivery:
    """Sends notices, a few at once."""

    def __init__(
        self, book: Book, seal: Callable[[], Seal], webhooks: Webhooks, standings: Standings, issuer: str
    ) -> None:
        self._book, self._seal, self._webhooks, self._standings = book, seal, webhooks, standings
        self._issuer = issuer.rstrip("/")
        self._room = asyncio.Semaphore(AT_ONCE)
        self.mailer: Mailer | None = None

    async def send_due(self, clock: Callable[[], datetime]) -> None:
        """Send all notices whose time has come."""
        found = await self._book.due(clock(), 200)
        await asyncio.gather(*(self._try(clock, *one) for one in found))

    async def _try(
        self, clock: Callable[[], datetime], notice: AlertNotice, event: AlertEvent, rule: AlertRule
    ) -> None:
        last = notice.attempts >= len(AGAIN_AFTER)
        pause = AGAIN_AFTER[-1] if last else AGAIN_AFTER[notice.attempts]
        async with self._room:
            # Counted from now, not from before it waited for room: meanwhile nobody else sends it.
            if await self._book.claim(notice, clock() + pause):
                await self.send(notice, event, rule, last=last)

    async def send(self, notice: AlertNotice, event: AlertEvent, rule: AlertRule, *, last: bool) -> None:
        """Send one notice and write what became of it; one that may help later and is not the last waits."""
        try:
            await self._sent(notice, event, rule)
        except Unavailable as error:
            log.warning("a notice was not taken", kind=notice.kind, reason=error.error_reason, last=last)
            await self._not_sent(notice, error.error_reason, last)
        except PlatformError as error:
            await self._not_sent(notice, error.error_reason, True)
        except Exception as error:
            # A mistake of ours: told by its name alone, as its text may hold the address, and that its secret.
            log.error("a notice was not sent", kind=notice.kind, error=type(error).__name__, last=last)
            await self._not_sent(notice, Internal.reason, last)
        else:
            await self._book.settle(notice.id, SENT)
            notice.outcome, notice.reason = SENT, ""

    async def _not_sent(self, notice: AlertNotice, reason: str, last: bool) -> None:
        if last:
            await self._book.settle(notice.id, FAILED, reason)
        notice.outcome, notice.reason = (FAILED if last else notice.outcome), reason

    async def _sent(self, notice: AlertNotice, event: AlertEvent, rule: AlertRule) -> None:
        channel = next((one for one in channels_of(rule) if one["id"] == notice.channel_id), None)
        if channel is None:
            raise ChannelGone("the channel was taken from the rule")
        standing = await self._standings.of(rule.owner)
        if not standing.may_read_all(rule.system):
            raise OwnerMayNotRead("the rule's owner may not see its figure any more")
        told = {"event_id": event.id, **orjson.loads(event.told)}
        link = f"{self._issuer}/alerts/{rule.id}"
        if channel["kind"] == "email":
            if not standing.email:
                raise NoAddress("the rule's owner has not confirmed an e-mail address")
            await self._mailed(told, standing.email, link)
            return
        seal = self._seal()
        secret = seal.open(channel["secret"], rule.id) if channel["secret"] else ""
        body = webhook_body(told, channel["template"], secret, link)
        signed_with = "" if channel["template"] == "pagerduty" else secret
        await self._webhooks.post(seal.open(channel["url"], rule.id), body, signed_with, notice.id)

    async def _mailed(self, told: dict[str, Any], to: str, link: str) -> None:
        assert self.mailer is not None  # noqa: S101  for the type checker
        try:
            async with asyncio.timeout(MAIL_SECONDS):
                await self.mailer.send(mail_of(told, to, link))
        except TimeoutError:
            raise Unavailable("the mail server does not answer", reason="MAIL_FAILED") from None
