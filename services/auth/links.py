"""Links sent by mail: a random token each, stored hashed, good once and not for long."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth.post import Purpose
from services.auth.refresh_tokens import hash_token
from services.auth.store import LinkRow
from shared.errors import InvalidArgument

LIFETIMES: Mapping[Purpose, timedelta] = MappingProxyType(
    {
        Purpose.RESET: timedelta(minutes=30),
        Purpose.CHANGE: timedelta(hours=2),
        Purpose.VERIFY: timedelta(hours=24),
        Purpose.INVITE: timedelta(days=7),
    }
)
PASSWORD_LINKS = (Purpose.RESET, Purpose.INVITE)
ADDRESS_LINKS = (Purpose.VERIFY, Purpose.CHANGE)
PAUSE, LONGEST_PAUSE, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
"""Between two mails of one kind to one address, so that nobody's letter box is filled: the pause doubles with each that
was sent within a day. Never so long that somebody else's asking keeps the owner out."""
MOST_A_DAY = 40
"""Mails of one kind that one account has sent, whomever to: a new address of an account may be anybody's."""
TOKEN_BYTES = 32


class LinkInvalid(InvalidArgument):
    """The link was made up, was used, is too old, or a newer one took its place."""

    reason = "LINK_INVALID"


async def issue(session: AsyncSession, user_id: str, purpose: Purpose, email: str, moment: datetime) -> str:
    """Return the token of a new link, which takes the place of earlier ones of its kind; written, not committed."""
    await void(session, user_id, [purpose], moment)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        LinkRow(
            token_hash=hash_token(token),
            user_id=user_id,
            purpose=purpose,
            email=email,
            created_at=moment,
            expires_at=moment + LIFETIMES[purpose],
        )
    )
    return token


async def too_soon(session: AsyncSession, user_id: str, purpose: Purpose, email: str, moment: datetime) -> bool:
    """Return whether such a link was sent to that address a moment ago, or too many were today."""
    sent = select(LinkRow.email, LinkRow.created_at).where(
        LinkRow.user_id == user_id, LinkRow.purpose == purpose, col(LinkRow.created_at) > moment - DAY
    )
    rows = (await session.execute(sent)).all()
    there: list[datetime] = [created_at for address, created_at in rows if address == email]
    if len(rows) >= MOST_A_DAY or not there:
        return len(rows) >= MOST_A_DAY
    pause: timedelta = min(LONGEST_PAUSE, PAUSE * 2 ** min(len(there) - 1, 10))
    return moment - max(there) < pause


async def find(session: AsyncSession, token: str, purposes: Collection[Purpose], moment: datetime) -> LinkRow:
    """Return the link of a token as long as it holds. Raises LinkInvalid."""
    row = await session.get(LinkRow, hash_token(token))
    if row is None or row.purpose not in purposes or row.used_at is not None or row.expires_at <= moment:
        raise _invalid()
    return row


async def use(session: AsyncSession, token: str, moment: datetime) -> None:
    """Return once the link is used up, by this call alone. Raises LinkInvalid."""
    unused = update(LinkRow).where(col(LinkRow.token_hash) == hash_token(token), col(LinkRow.used_at).is_(None))
    result = cast(CursorResult[Any], await session.execute(unused.values(used_at=moment)))
    if result.rowcount != 1:
        raise _invalid()


async def void(session: AsyncSession, user_id: str, purposes: Collection[Purpose], moment: datetime) -> None:
    """Make a user's open links of some kinds useless."""
    mine = update(LinkRow).where(
        col(LinkRow.user_id) == user_id, col(LinkRow.purpose).in_(list(purposes)), col(LinkRow.used_at).is_(None)
    )
    await session.execute(mine.values(used_at=moment))


def _invalid() -> LinkInvalid:
    return LinkInvalid("this link does not hold: it is too old or was used already; ask for a new one")
