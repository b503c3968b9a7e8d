"""The second factors of users: turned on and off, and asked for at login."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth import audit
from services.auth.accounts import Account, Accounts, load, wrong_password
from services.auth.mfa import codes
from services.auth.sessions import Sessions, Tokens
from services.auth.store import MfaChallengeRow, MfaFactorRow, MfaRecoveryCodeRow, UserRow, now
from shared.db import Database
from shared.errors import Conflict, FailedPrecondition, ResourceExhausted, Unauthenticated
from shared.seal import Seal

CHALLENGE_LIFETIME = timedelta(minutes=5)
CHALLENGE_BYTES = 32
CHALLENGE_TRIES = 5
FREE_FAILURES = 5
"""Wrong codes in a row before the next must wait; a right one forgets them."""
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)

log = structlog.get_logger(__name__)


class MfaEnabled(Conflict):
    """The second factor is on already."""

    reason = "MFA_ENABLED"


class MfaNotEnrolled(FailedPrecondition):
    """There is no second factor to turn on or off."""

    reason = "MFA_NOT_ENROLLED"


class MfaCodeWrong(Unauthenticated):
    """The code is wrong, too old, or was used before."""

    reason = "MFA_CODE_WRONG"


class MfaLocked(ResourceExhausted):
    """Too many wrong codes in a row: the next must wait."""

    reason = "MFA_LOCKED"


class MfaChallengeOver(Unauthenticated):
    """The login that waited for a code is unknown, too old, finished, or had too many wrong codes."""

    reason = "MFA_CHALLENGE_OVER"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs, shown once."""

    secret: str
    otpauth_uri: str
    qr_svg: str

    def __repr__(self) -> str:
        """Return nothing of the secret."""
        return "Enrolment()"


class Mfa:
    """The second factors of all users."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        sessions: Sessions,
        *,
        seal: Seal,
        issuer: str,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._database, self._accounts, self._sessions = database, accounts, sessions
        self._seal, self._issuer, self._clock = seal, issuer, clock

    async def enroll(self, user_id: str, password: str) -> Enrolment:
        """Return a new secret, not asked for yet. Raises WrongPassword, MfaEnabled."""
        account = await self._confirmed(user_id, password)
        secret, moment = codes.new_secret(), self._clock()
        async with self._database.transaction() as session:
            await _require_proved(session, account)
            row = await _factor(session, account.id)
            if row is not None and row.enabled_at is not None:
                raise MfaEnabled("two-factor login is on; turn it off first to use another app")
            row = row or MfaFactorRow(user_id=account.id, sealed_secret="", created_at=moment)
            row.sealed_secret, row.created_at = self._seal.close(secret, account.id), moment
            row.last_step = row.failures = 0
            session.add(row)
        uri = codes.otpauth_uri(secret, account.email, self._issuer)
        return Enrolment(secret, uri, codes.qr_svg(uri))

    async def enable(self, user_id: str, code: str) -> list[str]:
        """Return ten recovery codes, shown once; from now on a login needs a code. Raises MfaCodeWrong and others."""
        fresh = codes.new_recovery_codes()
        async with self._database.transaction() as session:
            # The user first: a new password ends an enrolment that was begun with the one before it.
            await load(session, user_id, lock=True)
            row = await _factor(session, user_id)
            if row is None:
                raise MfaNotEnrolled("there is no authenticator app to turn on; enrol one first")
            if row.enabled_at is not None:
                raise MfaEnabled("two-factor login is on already")
            taken = TOTP if self._take_totp(row, code) else self._wrong(row)
            if taken:
                row.enabled_at = self._clock()
                await session.execute(delete(MfaRecoveryCodeRow).where(col(MfaRecoveryCodeRow.user_id) == user_id))
                hashes = [codes.hash_recovery_code(one, user_id) for one in fresh]
                session.add_all(MfaRecoveryCodeRow(code_hash=one, user_id=user_id) for one in hashes)
                await audit.append(session, "mfa.enabled", target=user_id)
        _require(taken)
        log.info("auth.mfa_enabled", user_id=user_id)
        return fresh

    async def disable(self, user_id: str, password: str, code: str) -> None:
        """Ask for no code any more. Raises WrongPassword, MfaCodeWrong, MfaLocked, MfaNotEnrolled."""
        account = await self._confirmed(user_id, password)
        async with self._database.transaction() as session:
            await _require_proved(session, account)
            row = await _factor(session, account.id)
            if row is None or row.enabled_at is None:
                raise MfaNotEnrolled("two-factor login is off")
            taken = await self._take(session, row, code)
            if taken:
                await forget_factor(session, account.id)
                await audit.append(session, "mfa.disabled", target=account.id)
        _require(taken)
        log.info("auth.mfa_disabled", user_id=account.id)

    async def challenge(self, account: Account) -> str:
        """Return what names a login whose password was right, for five minutes. Raises InvalidCredentials."""
        challenge = secrets.token_urlsafe(CHALLENGE_BYTES)
        expires_at = self._clock() + CHALLENGE_LIFETIME
        row = MfaChallengeRow(challenge_hash=_hash(challenge), user_id=account.id, expires_at=expires_at)
        async with self._database.transaction() as session:
            await load(session, account.id, lock=True)
            account.require_unchanged(await session.get_one(UserRow, account.id))
            session.add(row)
        return challenge

    async def finish(self, challenge: str, code: str) -> tuple[Tokens, int | None]:
        """Return the first tokens of a session, and how many recovery codes are left when one was used.

        Raises:
            MfaChallengeOver: log in again.
            MfaCodeWrong: try again; a challenge stands five tries.
            MfaLocked: wait, whatever the challenge.
            InvalidCredentials: the password was changed at this moment.
        """
        left, digest = None, _hash(challenge)
        async with self._database.transaction() as session:
            waiting = await self._waiting(session, digest)
            row = await _factor(session, waiting.user_id)
            if row is None or row.enabled_at is None:
                raise _over()
            taken = await self._take(session, row, code)
            waiting.tries += 1
            user_id = waiting.user_id
            # A new password deletes the challenge, which is held here: this hash is the one that was proved.
            proved = (await session.get_one(UserRow, user_id)).password_hash
            if taken:
                waiting.spent_at = self._clock()
            if taken == RECOVERY:
                left = await _left(session, user_id)
                await audit.append(session, "mfa.recovery_code_used", actor=user_id, target=user_id)
            elif not taken:
                await audit.append(session, "mfa.code_wrong", actor="", target=user_id)
        _require(taken)
        account = replace(await self._accounts.get(user_id), proved=proved)
        account.require_enabled()

        async def still_waiting(session: AsyncSession, _: str) -> None:
            # Deleted where the factor was reset, or the password changed, since the code was taken.
            if await session.get(MfaChallengeRow, digest) is None:
                raise _over()

        return await self._sessions.open(account, spend=still_waiting), left

    async def _waiting(self, session: AsyncSession, digest: str) -> MfaChallengeRow:
        """Return the login of a challenge, locked with its user. Raises MfaChallengeOver."""
        same = MfaChallengeRow.challenge_hash == digest
        owner = await session.scalar(select(MfaChallengeRow.user_id).where(same))
        # The user first, here and wherever factors change: of two that lock in different orders a database ends one.
        await session.get(UserRow, owner or "", with_for_update=True)
        row = await session.scalar(select(MfaChallengeRow).where(same).with_for_update())
        over = row is None or row.spent_at is not None or row.expires_at <= self._clock()
        if row is None or over or row.tries >= CHALLENGE_TRIES:
            raise _over()
        return row

    async def _confirmed(self, user_id: str, password: str) -> Account:
        proved = await self._accounts.confirm(user_id, password)
        return replace(await self._accounts.get(user_id), proved=proved)

    async def _take(self, session: AsyncSession, row: MfaFactorRow, code: str) -> str:
        """Return which kind of code was taken and spent, empty for a wrong one. Raises MfaLocked."""
        if self._take_totp(row, code):
            return TOTP
        digest = codes.hash_recovery_code(code, row.user_id)
        unspent = update(MfaRecoveryCodeRow).where(
            col(MfaRecoveryCodeRow.code_hash) == digest, col(MfaRecoveryCodeRow.spent_at).is_(None)
        )
        result = cast(CursorResult[Any], await session.execute(unspent.values(spent_at=self._clock())))
        if result.rowcount != 1:
            return self._wrong(row)
        row.failures = 0
        log.warning("auth.recovery_code_used", user_id=row.user_id)
        return RECOVERY

    def _take_totp(self, row: MfaFactorRow, code: str) -> bool:
        """Return whether the code is one of the app's and newer than the last taken; it is spent. Raises MfaLocked."""
        moment = self._clock()
        self._require_unlocked(row, moment)
        step = codes.matching_step(self._seal.open(row.sealed_secret, row.user_id), code, moment.timestamp())
        if step is None or step <= row.last_step:
            return False
        row.last_step, row.failures = step, 0
        return True

    def _wrong(self, row: MfaFactorRow) -> str:
        row.failures, row.failed_at = row.failures + 1, self._clock()
        log.warning("auth.mfa_code_wrong", user_id=row.user_id, failures=row.failures)
        return ""

    @staticmethod
    def _require_unlocked(row: MfaFactorRow, moment: datetime) -> None:
        beyond = row.failures - FREE_FAILURES
        if beyond < 0 or row.failed_at is None:
            return
        wait = min(FIRST_WAIT * 2 ** min(beyond, 10), LONGEST_WAIT)
        left = row.failed_at + wait - moment
        if left > timedelta(0):
            raise MfaLocked(f"too many wrong codes; try again in {ceil(left.total_seconds())} seconds")


TOTP, RECOVERY = "totp", "recovery"


async def _factor(session: AsyncSession, user_id: str) -> MfaFactorRow | None:
    """Return the factor of a user, locked: of two codes at once, the second sees what the first has spent."""
    query = select(MfaFactorRow).where(MfaFactorRow.user_id == user_id).with_for_update()
    row: MfaFactorRow | None = await session.scalar(query)
    return row


async def forget_factor(session: AsyncSession, user_id: str) -> None:
    """Delete a user's second factor with its codes and the logins that wait for one; the caller holds the user."""
    for table in (MfaChallengeRow, MfaFactorRow, MfaRecoveryCodeRow):
        await session.execute(delete(table).where(col(table.user_id) == user_id))


async def _require_proved(session: AsyncSession, account: Account) -> None:
    """Return with the user's row held if the password that was confirmed is still the one. Raises WrongPassword."""
    await load(session, account.id, lock=True)
    if (await session.get_one(UserRow, account.id)).password_hash != account.proved:
        raise wrong_password()


async def _left(session: AsyncSession, user_id: str) -> int:
    unspent = select(func.count()).where(
        col(MfaRecoveryCodeRow.user_id) == user_id, col(MfaRecoveryCodeRow.spent_at).is_(None)
    )
    return int(await session.scalar(unspent) or 0)


def _require(taken: str) -> None:
    """Return if a code was taken. Raised after the transaction, which keeps what was counted."""
    if not taken:
        raise MfaCodeWrong("the code is wrong or was used before; wait for the next one")


def _hash(challenge: str) -> str:
    return hashlib.sha256(challenge.encode("utf-8", "surrogatepass")).hexdigest()


def _over() -> MfaChallengeOver:
    return MfaChallengeOver("this login has waited too long or had too many wrong codes; log in again")
