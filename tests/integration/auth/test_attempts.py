"""Guessing at passwords, over a real database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from services.auth.accounts import Accounts, InvalidCredentials
from services.auth.attempts import ACCOUNT, ADDRESS, FORGOTTEN_AFTER, LOCK, Attempts, LoginBlocked, network_of
from services.auth.passwords import Passwords
from shared import client
from shared.client import Arrival
from shared.db import Database
from tests.integration.auth.conftest import PASSWORD

ADA, NOBODY = "ada@example.com", "nobody@example.com"


class Calendar:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
async def book(database: Database, passwords: Passwords, calendar: Calendar) -> Accounts:
    book = Accounts(database, passwords, attempts=Attempts(database, calendar))
    await book.create(ADA, PASSWORD, "Ada", ["viewer"])
    return book


async def guess(book: Accounts, email: str, password: str = "wrong") -> str:
    """Return what comes of a guess: what it is told, and how long it must wait."""
    try:
        return (await book.authenticate(email, password)).email
    except LoginBlocked as refused:
        return refused.metadata["retry_after_s"]
    except InvalidCredentials as refused:
        return refused.error_reason


def test_each_failure_waits_longer_until_there_is_a_lock() -> None:
    waits = [ACCOUNT.delay(failures).total_seconds() for failures in range(12)]
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 900, 900]
    assert [ADDRESS.delay(failures).total_seconds() for failures in (29, 30, 99, 100)] == [0, 1, 60, 900]


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_after_a_few_failures_the_next_one_must_wait_whoever_it_is(
    book: Accounts, calendar: Calendar, email: str
) -> None:
    assert [await guess(book, email) for _ in range(4)] == ["INVALID_CREDENTIALS"] * 4
    assert await guess(book, email) == "2"
    calendar.now += timedelta(seconds=1)
    assert await guess(book, email) == "INVALID_CREDENTIALS"
    assert await guess(book, email) == "3"


async def test_while_it_is_blocked_the_right_password_is_refused_too(book: Accounts, calendar: Calendar) -> None:
    for _ in range(4):
        await guess(book, ADA)
    assert await guess(book, "ADA@example.com ", PASSWORD) == "2"
    calendar.now += timedelta(seconds=1)
    assert await guess(book, ADA, PASSWORD) == ADA


async def test_a_lock_ends_by_itself(book: Accounts, calendar: Calendar) -> None:
    for _ in range(ACCOUNT.lock):
        await guess(book, ADA)
        calendar.now += timedelta(seconds=61)
    calendar.now += LOCK - timedelta(seconds=62)
    assert await guess(book, ADA, PASSWORD) == "2"
    calendar.now += timedelta(seconds=1)
    assert await guess(book, ADA, PASSWORD) == ADA
    assert await guess(book, ADA) == "INVALID_CREDENTIALS"


async def test_a_login_that_succeeds_begins_the_count_anew(book: Accounts) -> None:
    for _ in range(3):
        assert [await guess(book, ADA) for _ in range(3)] == ["INVALID_CREDENTIALS"] * 3
        assert await guess(book, ADA, PASSWORD) == ADA


async def test_failures_are_forgotten_after_a_day(book: Accounts, calendar: Calendar) -> None:
    for _ in range(3):
        await guess(book, ADA)
    calendar.now += FORGOTTEN_AFTER + timedelta(seconds=1)
    assert [await guess(book, ADA) for _ in range(4)] == ["INVALID_CREDENTIALS"] * 4


async def test_one_address_cannot_try_one_password_on_many_accounts(book: Accounts) -> None:
    client.arrived.set(Arrival("ipv4:10.0.0.7:1", "192.0.2.1 -"))
    outcomes = [await guess(book, f"u{number}@example.com") for number in range(ADDRESS.free + 1)]
    assert outcomes == ["INVALID_CREDENTIALS"] * ADDRESS.free + ["2"]
    assert await guess(book, ADA, PASSWORD) == "2"
    client.arrived.set(Arrival("ipv4:10.0.0.7:1", "192.0.2.2 -"))
    assert await guess(book, ADA, PASSWORD) == ADA


async def test_this_machine_itself_is_never_blocked(book: Accounts) -> None:
    client.arrived.set(Arrival("ipv4:127.0.0.1:1"))
    for number in range(ADDRESS.free + 2):
        assert await guess(book, f"u{number}@example.com") == "INVALID_CREDENTIALS"


@pytest.mark.parametrize("right", [False, True])
async def test_guessing_at_once_gains_nothing(book: Accounts, right: bool) -> None:
    """However many arrive before the first has failed, no more are told than one after the other would be."""
    guesses = ["wrong"] * 40 + [PASSWORD] * right
    outcomes = await asyncio.gather(*(guess(book, ADA, one) for one in guesses))
    assert await guess(book, ADA, PASSWORD) not in (ADA, "INVALID_CREDENTIALS")
    if right:
        assert outcomes[-1] in (ADA, *map(str, range(902)))


class AllAtOnce:
    """Checks every password before any is settled, and lets the right one wait until there is a block."""

    def __init__(self, passwords: Passwords, guesses: int) -> None:
        self._passwords, self._checked, self.blocked = passwords, asyncio.Barrier(guesses), asyncio.Event()

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        outcome = await self._passwords.verify(password, stored)
        await self._checked.wait()
        if password == PASSWORD:
            await self.blocked.wait()
        return outcome


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_of_a_hundred_guesses_at_once_a_right_one_beyond_the_limit_is_told_like_a_wrong_one(
    book: Accounts, database: Database, passwords: Passwords, calendar: Calendar, email: str
) -> None:
    guesses = [f"wrong-{number}" for number in range(100)]
    guesses[50] = PASSWORD
    together = AllAtOnce(passwords, len(guesses))
    crowd = Accounts(database, cast(Passwords, together), attempts=Attempts(database, calendar))

    async def told(password: str) -> str:
        try:
            return (await crowd.authenticate(email, password)).email
        except (LoginBlocked, InvalidCredentials) as refused:
            if isinstance(refused, LoginBlocked):
                together.blocked.set()
            return f"{refused.error_reason} {refused.detail} {refused.metadata}"

    outcomes = await asyncio.gather(*(told(one) for one in guesses))
    wrong = [one for one in outcomes if one.startswith("INVALID_CREDENTIALS")]
    assert len(wrong) == ACCOUNT.free
    assert outcomes[50].startswith("LOGIN_BLOCKED")
    assert set(outcomes) == {wrong[0], outcomes[50]}, "beyond the limit all are told the same, to the letter"
    async with database.session() as session:
        assert await session.scalar(text("SELECT failures FROM login_attempts")) == ACCOUNT.free
        noted = await session.scalar(text("SELECT count(*) FROM audit_log WHERE action = 'login.failed'"))
    assert noted == ACCOUNT.free


async def test_many_logins_of_one_account_at_once_are_no_guessing(book: Accounts) -> None:
    assert set(await asyncio.gather(*(guess(book, ADA, PASSWORD) for _ in range(30)))) == {ADA}


async def test_no_address_and_no_account_can_be_read_in_the_store(book: Accounts, database: Database) -> None:
    client.arrived.set(Arrival("ipv4:192.0.2.1:1"))
    await guess(book, ADA)
    async with database.session() as session:
        rows = (await session.execute(text("SELECT key_hash FROM login_attempts"))).all()
    assert len(rows) == 2
    assert "192.0.2" not in str(rows)
    assert "ada" not in str(rows)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:127.0.0.1", ""),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("", ""),
        ("unix", ""),
    ],
)
def test_what_one_subscriber_has_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.integers(0, 1000))
def test_waiting_never_gets_shorter(failures: int) -> None:
    for limit in (ACCOUNT, ADDRESS):
        assert limit.delay(failures) <= limit.delay(failures + 1) <= LOCK
