"""Accounts over a real database."""

from __future__ import annotations

import asyncio

import pytest
from sqlmodel import func, select

from services.auth.account_fields import UnknownRole
from services.auth.accounts import (
    AccountDisabled,
    AccountGone,
    Accounts,
    EmailTaken,
    InvalidCredentials,
    RegistrationClosed,
)
from services.auth.password_rules import WeakPassword
from services.auth.passwords import Passwords, argon2id
from services.auth.store import UserRow, now
from shared.db import Database
from tests.integration.auth.conftest import PASSWORD


async def change(database: Database, email: str, **values: object) -> None:
    async with database.transaction() as session:
        row = await session.scalar(select(UserRow).where(UserRow.email == email))
        for name, value in values.items():
            setattr(row, name, value)


async def stored_hash(database: Database, email: str) -> str:
    async with database.session() as session:
        return str(await session.scalar(select(UserRow.password_hash).where(UserRow.email == email)))


async def test_there_is_no_account_that_nobody_made(accounts: Accounts, database: Database) -> None:
    async with database.session() as session:
        assert await session.scalar(select(func.count()).select_from(UserRow)) == 0
    for email in ("admin@example.com", "root@example.com", "admin", "test@example.com"):
        for password in ("admin", "password", ""):
            with pytest.raises(InvalidCredentials):
                await accounts.authenticate(email, password)


async def test_who_registers_is_a_viewer_and_may_log_in(accounts: Accounts) -> None:
    made = await accounts.register("Ada@Example.com", PASSWORD, " Ada Lovelace ")
    assert (made.email, made.full_name, made.roles) == ("ada@example.com", "Ada Lovelace", ("viewer",))
    assert made.regions is None
    assert await accounts.authenticate("ADA@example.com ", PASSWORD) == made


async def test_a_password_is_stored_as_argon2id(accounts: Accounts, database: Database) -> None:
    await accounts.register("ada@example.com", PASSWORD, "Ada")
    assert (await stored_hash(database, "ada@example.com")).startswith("$argon2id$v=19$")


@pytest.mark.parametrize("second", ["ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.Com"])
async def test_an_e_mail_has_one_account_however_it_is_written(accounts: Accounts, second: str) -> None:
    await accounts.register("ada@example.com", PASSWORD, "Ada")
    with pytest.raises(EmailTaken) as taken:
        await accounts.register(second, PASSWORD, "Ada")
    assert [error.field for error in taken.value.errors] == ["email"]


async def test_two_ways_to_write_one_letter_are_one_e_mail(accounts: Accounts) -> None:
    await accounts.register("zo\u00eb@example.com", PASSWORD, "Jo")
    with pytest.raises(EmailTaken):
        await accounts.register("zoe\u0308@example.com", PASSWORD, "Jo")


async def test_of_twenty_parallel_registrations_of_one_e_mail_one_is_made(accounts: Accounts) -> None:
    tries = (accounts.register("ada@example.com", PASSWORD, "Ada") for _ in range(20))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, EmailTaken) for one in outcomes) == 19


async def test_a_weak_password_makes_no_account(accounts: Accounts) -> None:
    with pytest.raises(WeakPassword):
        await accounts.register("ada@example.com", "short", "Ada")
    with pytest.raises(InvalidCredentials):
        await accounts.authenticate("ada@example.com", "short")


async def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(accounts: Accounts) -> None:
    await accounts.register("ada@example.com", PASSWORD, "Ada")
    answers = []
    for email in ("ada@example.com", "nobody@example.com", "not an address", ""):
        with pytest.raises(InvalidCredentials) as refused:
            await accounts.authenticate(email, PASSWORD + "x")
        answers.append((refused.value.detail, refused.value.error_reason, refused.value.metadata, refused.value.errors))
    assert len(set(map(str, answers))) == 1


async def test_an_unknown_user_costs_a_hash_too(accounts: Accounts, passwords: Passwords) -> None:
    checked: list[str | None] = []
    verify = passwords.verify

    async def noted(password: str, stored: str | None) -> tuple[bool, str | None]:
        checked.append(stored)
        return await verify(password, stored)

    passwords.verify = noted  # type: ignore[method-assign]
    with pytest.raises(InvalidCredentials):
        await accounts.authenticate("nobody@example.com", PASSWORD)
    assert checked == [None]


async def test_a_disabled_account_is_told_so_only_to_who_knows_its_password(
    accounts: Accounts, database: Database
) -> None:
    await accounts.register("ada@example.com", PASSWORD, "Ada")
    await change(database, "ada@example.com", disabled_at=now())
    with pytest.raises(AccountDisabled):
        await accounts.authenticate("ada@example.com", PASSWORD)
    with pytest.raises(InvalidCredentials):
        await accounts.authenticate("ada@example.com", PASSWORD + "x")


async def test_a_login_renews_a_hash_of_older_parameters(accounts: Accounts, database: Database) -> None:
    await accounts.register("ada@example.com", PASSWORD, "Ada")
    old = await stored_hash(database, "ada@example.com")
    stronger = Accounts(database, Passwords(context=argon2id(memory_kib=16, time_cost=1)))
    await stronger.authenticate("ada@example.com", PASSWORD)
    new = await stored_hash(database, "ada@example.com")
    assert ("m=8," in old, "m=16," in new) == (True, True)
    await stronger.authenticate("ada@example.com", PASSWORD)
    assert await stored_hash(database, "ada@example.com") == new


async def test_where_registration_is_by_invitation_nobody_registers(database: Database, passwords: Passwords) -> None:
    closed = Accounts(database, passwords, "invitation")
    with pytest.raises(RegistrationClosed):
        await closed.register("ada@example.com", PASSWORD, "Ada")


async def test_an_account_may_be_bound_to_regions(accounts: Accounts) -> None:
    made = await accounts.create("ada@example.com", PASSWORD, "Ada", ["analyst"], ["Kent", "Bath"])
    assert made.regions == ("Bath", "Kent")
    assert (await accounts.get(made.id)).regions == ("Bath", "Kent")


async def test_a_role_that_does_not_exist_is_refused(accounts: Accounts) -> None:
    with pytest.raises(UnknownRole, match="emperor"):
        await accounts.create("ada@example.com", PASSWORD, "Ada", ["emperor"])


async def test_putting_an_account_twice_changes_it(accounts: Accounts, database: Database) -> None:
    first = await accounts.put("demo@example.com", PASSWORD, "Demo", ["viewer"])
    await change(database, "demo@example.com", disabled_at=now())
    second = await accounts.put("demo@example.com", "xU4-tycho-comet-12", "Demo Admin", ["admin"])
    assert (second.id, second.full_name, second.roles) == (first.id, "Demo Admin", ("admin",))
    assert await accounts.authenticate("demo@example.com", "xU4-tycho-comet-12") == second
    with pytest.raises(InvalidCredentials):
        await accounts.authenticate("demo@example.com", PASSWORD)


async def test_the_account_of_a_token_may_be_gone(accounts: Accounts) -> None:
    with pytest.raises(AccountGone):
        await accounts.get("0" * 32)
