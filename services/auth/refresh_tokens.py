"""Refresh tokens: each is spent once, for the next (RFC 9700, section 4.14).

A browser with two tabs, or a line that breaks off before the answer is there, sends a token twice. Within a few seconds
the second call gets the very same next token, as long as nobody has used that; later it means that somebody has a copy.
Only hashes are stored, so the next token is kept sealed with the one before: who reads the database can read neither.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth.store import RefreshTokenRow, SessionRow

GRACE = timedelta(seconds=5)
TOKEN_BYTES = 32


def hash_token(token: str) -> str:
    """Return what is stored of a token. It holds 256 random bits, so a plain hash cannot be reversed."""
    return hashlib.sha256(_bytes(token)).hexdigest()


def issue(session: AsyncSession, session_id: str, moment: datetime) -> str:
    """Return a fresh token of a session, its hash added to the transaction."""
    token = _text(secrets.token_bytes(TOKEN_BYTES))
    session.add(RefreshTokenRow(token_hash=hash_token(token), session_id=session_id, created_at=moment))
    return token


async def owner(session: AsyncSession, digest: str) -> str | None:
    """Return the id of the user whose token has this hash, None when there is no such token."""
    query = select(SessionRow.user_id).join(RefreshTokenRow).where(RefreshTokenRow.token_hash == digest)
    found: str | None = await session.scalar(query)
    return found


async def successor(session: AsyncSession, token: str, session_id: str, moment: datetime) -> str | None:
    """Return the next token, made now or within the last seconds; None when the token was spent before that."""
    digest = hash_token(token)
    if not await _spend(session, digest, moment):
        return await _same_again(session, token, digest, moment)
    following = issue(session, session_id, moment)
    await _unseal_nothing_older(session, session_id)
    await session.flush()
    sealed = update(RefreshTokenRow).where(col(RefreshTokenRow.token_hash) == digest)
    await session.execute(sealed.values(sealed_successor=_sealed(token, following)))
    return following


async def _spend(session: AsyncSession, digest: str, moment: datetime) -> bool:
    """Return whether this call is the one that spent the token: of many at once, the database picks one."""
    unspent = update(RefreshTokenRow).where(
        col(RefreshTokenRow.token_hash) == digest, col(RefreshTokenRow.spent_at).is_(None)
    )
    result = cast(CursorResult[Any], await session.execute(unspent.values(spent_at=moment)))
    return result.rowcount == 1


async def _same_again(session: AsyncSession, token: str, digest: str, moment: datetime) -> str | None:
    spent = await session.get(RefreshTokenRow, digest)
    if spent is None or spent.spent_at is None or not spent.sealed_successor or moment - spent.spent_at > GRACE:
        return None
    following = _opened(token, spent.sealed_successor)
    unused = await session.get(RefreshTokenRow, hash_token(following))
    return following if unused is not None and unused.spent_at is None else None


async def _unseal_nothing_older(session: AsyncSession, session_id: str) -> None:
    """Forget what earlier tokens could open: it is spent by now."""
    older = update(RefreshTokenRow).where(
        col(RefreshTokenRow.session_id) == session_id, col(RefreshTokenRow.sealed_successor) != ""
    )
    await session.execute(older.values(sealed_successor=""))


def _pad(token: str) -> int:
    return int.from_bytes(hmac.digest(_bytes(token), b"successor", "sha256"))


def _sealed(token: str, following: str) -> str:
    """Return 32 random bytes XORed with a pad that only the holder of the token can make, used this once."""
    plain = base64.urlsafe_b64decode(f"{following}=")
    return (int.from_bytes(plain) ^ _pad(token)).to_bytes(TOKEN_BYTES).hex()


def _opened(token: str, sealed: str) -> str:
    return _text((int(sealed, 16) ^ _pad(token)).to_bytes(TOKEN_BYTES))


def _text(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).decode("ascii").rstrip("=")


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")
