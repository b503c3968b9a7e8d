"""Failed logins, counted for each account and each address: after a few every further one must wait longer.

They are counted by a hash of what was typed, whether there is such an account or not. A lock ends by itself or with a
new password chosen through a mailed link.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from services.auth import audit
from services.auth.account_fields import normal_email
from services.auth.store import LoginAttemptRow, now
from shared import client
from shared.db import Database, StoreUnavailable
from shared.errors import ResourceExhausted

LOCK = timedelta(minutes=15)
LONGEST_DELAY = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(hours=24)
DOUBLINGS = 6
"""After these the longest delay is reached."""
TRIES = 5
NETWORK_BITS = 64
"""Of an IPv6 address: what one subscriber has."""


class LoginBlocked(ResourceExhausted):
    """Too many logins failed for this account or from this address."""

    reason = "LOGIN_BLOCKED"


@dataclass(frozen=True, slots=True)
class Limit:
    """How many logins may fail at once, and at how many there is a lock."""

    free: int
    lock: int

    def delay(self, failures: int) -> timedelta:
        """Return how long to wait after that many failures: 1, 2, 4, … 60 seconds, then the lock."""
        if failures < self.free:
            return timedelta()
        if failures >= self.lock:
            return LOCK
        return min(timedelta(seconds=2 ** min(failures - self.free, DOUBLINGS)), LONGEST_DELAY)


ACCOUNT = Limit(free=4, lock=10)
ADDRESS = Limit(free=30, lock=100)
"""Many people may share one address."""


@dataclass(frozen=True, slots=True)
class Key:
    """What failures are counted by."""

    hash: str
    limit: Limit


def keys_of(email: str, address: str) -> list[Key]:
    """Return what a login is counted by, in the order in which rows are locked."""
    found = [Key(_hash("account", normal_email(email)), ACCOUNT)]
    network = network_of(address)
    if network:
        found.append(Key(_hash("address", network), ADDRESS))
    return sorted(found, key=lambda key: key.hash)


def network_of(address: str) -> str:
    """Return the address, of IPv6 its /64; empty for this machine itself, where all of a proxy's clients meet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped  # how a dual-stack proxy writes IPv4; their /64 would be that of all of them
    if parsed.is_loopback:
        return ""
    return str(ipaddress.ip_network(f"{parsed}/{NETWORK_BITS}", False)) if parsed.version == 6 else str(parsed)


def _hash(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode("utf-8", "surrogatepass")).hexdigest()


class Attempts:
    """The failed logins of all accounts and addresses."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = now) -> None:
        self._database, self._clock = database, clock

    async def require_allowed(self, email: str) -> None:
        """Return if a login may be tried now from where this request comes from. Raises LoginBlocked."""
        keys = keys_of(email, client.current().address)
        async with self._database.select() as session:
            self._require_free(await _rows(session, keys, lock=False))

    async def settle(self, email: str, right: bool, user_id: str = "") -> None:
        """Count a wrong password, noted in the audit log, or forget the failures before a right one.

        Raises LoginBlocked where enough of those checked at the same time have failed first. Of many guesses at once
        no more are told apart than one after the other, so a right one and a wrong one do and leave the same then.
        """
        keys = keys_of(email, client.current().address)
        for _ in range(TRIES):
            try:
                async with self._database.transaction() as session:
                    rows = await _rows(session, keys, lock=True)
                    self._require_free(rows)
                    if not right:
                        await self._fail(session, keys, rows, user_id)
                    elif rows:
                        await forget(session, email)
                return
            except IntegrityError:  # somebody else's first failure came in between
                continue
        raise StoreUnavailable("the database is too busy; try again in a moment")

    async def _fail(
        self, session: AsyncSession, keys: Sequence[Key], rows: Sequence[LoginAttemptRow], user_id: str
    ) -> None:
        wait = await self._count(session, keys, rows)
        details = {"blocked_s": str(int(wait.total_seconds()))} if wait else {}
        await audit.append(session, "login.failed", actor=user_id, target=user_id, details=details)

    async def _count(self, session: AsyncSession, keys: Sequence[Key], rows: Sequence[LoginAttemptRow]) -> timedelta:
        """Return how long to wait now that one more has failed."""
        moment = self._clock()
        known = {row.key_hash: row for row in rows}
        longest = timedelta()
        for key in keys:
            row = known.get(key.hash) or LoginAttemptRow(key_hash=key.hash, failures=0, failed_at=moment)
            row.failures = 1 if moment - row.failed_at > FORGOTTEN_AFTER else row.failures + 1
            wait = key.limit.delay(row.failures)
            row.failed_at, row.blocked_until = moment, moment + wait if wait else None
            session.add(row)
            longest = max(longest, wait)
        await session.flush()
        return longest

    def _require_free(self, rows: Sequence[LoginAttemptRow]) -> None:
        moment = self._clock()
        until = max((row.blocked_until for row in rows if row.blocked_until), default=moment)
        if until > moment:
            seconds = int((until - moment).total_seconds()) + 1
            raise LoginBlocked(
                f"too many logins failed; try again in {seconds} seconds, or choose a new password by mail",
                metadata={"retry_after_s": str(seconds)},
            )


async def forget(session: AsyncSession, email: str) -> None:
    """Forget the failures of an account, as part of a transaction."""
    account = _hash("account", normal_email(email))
    await session.execute(delete(LoginAttemptRow).where(col(LoginAttemptRow.key_hash) == account))


async def _rows(session: AsyncSession, keys: Sequence[Key], lock: bool) -> list[LoginAttemptRow]:
    query = select(LoginAttemptRow).where(col(LoginAttemptRow.key_hash).in_([key.hash for key in keys]))
    query = query.order_by(col(LoginAttemptRow.key_hash))
    return list(await session.scalars(query.with_for_update() if lock else query))
