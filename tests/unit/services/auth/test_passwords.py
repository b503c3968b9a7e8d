"""How passwords are hashed and which may be used."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from services.auth.password_rules import COMMON, PasswordRules, WeakPassword, common_passwords, weaknesses
from services.auth.passwords import MAX_LENGTH, NICENESS, HashingBusy, Passwords, argon2id, threads

GOOD = "wT9-kepler-orbit-77"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(context=argon2id(memory_kib=8, time_cost=1))
    yield passwords
    passwords.close()


async def test_the_hash_has_owasps_parameters() -> None:
    passwords = Passwords()
    assert (await passwords.hash(GOOD)).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    passwords.close()


async def test_a_password_is_its_own_and_no_other(passwords: Passwords) -> None:
    stored = await passwords.hash(GOOD)
    assert await passwords.verify(GOOD, stored) == (True, None)
    assert (await passwords.verify(GOOD + " ", stored))[0] is False
    assert (await passwords.verify(GOOD.lower(), stored))[0] is False
    assert (await passwords.verify("", stored))[0] is False


async def test_two_hashes_of_one_password_differ(passwords: Passwords) -> None:
    assert await passwords.hash(GOOD) != await passwords.hash(GOOD)


async def test_a_password_typed_on_another_keyboard_is_the_same(passwords: Passwords) -> None:
    assert (await passwords.verify("cafe\u0301-au-lait-99", await passwords.hash("caf\u00e9-au-lait-99")))[0]


async def test_nobody_has_no_password_at_all(passwords: Passwords) -> None:
    assert (await passwords.verify("a password that nobody has", None))[0] is False
    assert (await passwords.verify(GOOD, None))[0] is False


async def test_a_password_beyond_the_limit_is_wrong_and_not_cut(passwords: Passwords) -> None:
    longest = "ab3-" * (MAX_LENGTH // 4)
    stored = await passwords.hash(longest)
    assert (await passwords.verify(longest, stored))[0] is True
    assert (await passwords.verify(longest + "x" * 10_000_000, stored))[0] is False


class Held:
    """A hashing context that waits until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def hash(self, _password: str) -> str:
        return "nobody"

    def verify_and_update(self, _password: str, _stored: str) -> tuple[bool, None]:
        self.go.wait(10)
        return True, None


async def test_more_logins_than_can_wait_are_turned_away_and_room_comes_back() -> None:
    held = Held()
    passwords = Passwords(max_waiting=3, context=held)  # type: ignore[arg-type]
    waiting = [asyncio.create_task(passwords.verify(GOOD, "x")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(HashingBusy):
        await passwords.verify(GOOD, "x")
    held.go.set()
    assert [good for good, _ in await asyncio.gather(*waiting)] == [True] * 3
    assert (await passwords.verify(GOOD, "x"))[0]
    passwords.close()


async def test_a_caller_who_leaves_gives_the_place_back_when_the_thread_is_done() -> None:
    held = Held()
    passwords = Passwords(max_waiting=1, context=held)  # type: ignore[arg-type]
    task = asyncio.create_task(passwords.verify(GOOD, "x"))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(HashingBusy):
        await passwords.verify(GOOD, "x")
    held.go.set()
    async with asyncio.timeout(10):
        while True:
            try:
                assert (await passwords.verify(GOOD, "x"))[0]
                break
            except HashingBusy:
                await asyncio.sleep(0.01)
    passwords.close()


async def test_few_log_in_at_once_the_others_wait_and_one_too_many_is_turned_away() -> None:
    passwords, go, inside = Passwords(max_waiting=6), asyncio.Event(), []

    async def log_in(number: int) -> None:
        async with passwords.turn():
            inside.append(number)
            await go.wait()

    tasks = [asyncio.create_task(log_in(number)) for number in range(6)]
    await asyncio.sleep(0)
    assert inside == list(range(threads() + 1))
    with pytest.raises(HashingBusy):
        await log_in(6)
    tasks[-1].cancel()
    await asyncio.gather(tasks[-1], return_exceptions=True)
    tasks[-1] = asyncio.create_task(log_in(7))
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*tasks)
    assert inside == [0, 1, 2, 3, 4, 7]
    passwords.close()


def test_a_core_is_left_to_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, expected in ((1, 1), (2, 1), (3, 2), (64, 2)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: range(cores))
        assert threads() == expected


WEAK = {
    "": "at least 12 characters and has 0",
    "short": "at least 12 characters and has 5",
    "elevenchars": "at least 12 characters",
    "aaaaaaaaaaaaaaaa": "different characters",
    "abcdabcdabcd": "different characters",
    "password1234": "most common",
    "Password1234!": "most common",
    "!!PASSWORD12345": "most common",
    "qwertyuiop123": "most common",
    "iloveyouforever": "most common",
    "123456789012": "most common",
    "sunshine2026!": "most common",
    "administrator": "most common",
    "monkeymonkey": "most common",
    "correcthorsebatterystaple": "most common",
    "lovelace-99-kite": "e-mail",
    "99-LoveLace-kite": "e-mail",
    "my-Augusta-88-kite": "the name",
    "x" * 257 + GOOD: "at most 256",
}


@pytest.mark.parametrize("password", WEAK)
async def test_a_weak_password_is_refused_with_what_is_missing(password: str) -> None:
    with pytest.raises(WeakPassword, match=WEAK[password]) as refused:
        await PasswordRules().require(password, "lovelace@example.com", "Augusta Ada King")
    assert {error.field for error in refused.value.errors} == {"password"}
    assert not password or password not in refused.value.detail


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert len(weaknesses("aaa", "a@example.com", "A")) == 2


@pytest.mark.parametrize(
    "password", [GOOD, "ada-and-the-engine", "Зелёный-чайник-7", "🦊🐢🐙🦉🐝🦋🐬🦕🐌🦔🐡🦚", "twelve chars"]
)
def test_a_strong_password_is_taken(password: str) -> None:
    assert weaknesses(password, "ada@example.com", "Ada Li") == []


def test_the_list_of_common_passwords_is_small_and_in_one_form() -> None:
    assert COMMON.stat().st_size <= 10_240
    assert len(common_passwords()) >= 300
    assert all(word == word.casefold() for word in common_passwords())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority of their own")
async def test_hashing_threads_let_the_others_go_first() -> None:
    class Asked:
        def hash(self, _password: str) -> str:
            return str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    passwords = Passwords(context=Asked())  # type: ignore[arg-type]
    assert int(await passwords.hash(GOOD)) >= min(mine + NICENESS, 19) > mine or mine == 19
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == mine
    passwords.close()
