"""The set of breached passwords, in both forms it comes in."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from services.auth.breached import Breached, BreachedSetMissing
from services.auth.password_rules import PasswordRules, WeakPassword

KNOWN, UNKNOWN = "correct-zebra-battery-7", "wT9-kepler-orbit-77"


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


@pytest.fixture(params=["folder", "file", "counted file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A set with the known password and a thousand others."""
    hashes = sorted([sha1(KNOWN), *(sha1(f"other-{number}") for number in range(1000))])
    if request.param == "folder":
        for one in hashes:
            with (tmp_path / f"{one[:5]}.txt").open("a") as file:
                file.write(f"{one[5:]}:3\r\n")
        with (tmp_path / f"{sha1(UNKNOWN)[:5]}.txt").open("a") as file:
            file.write(f"{sha1(UNKNOWN)[5:]}:0\r\n")
        return tmp_path
    path = tmp_path / "pwned.txt"
    path.write_text("".join(f"{one}{':12' * request.param.startswith('counted')}\n" for one in hashes))
    return path


async def test_a_breached_password_is_found_and_no_other(place: Path) -> None:
    breached = Breached(place)
    assert await breached.holds(KNOWN)
    sample = random.Random(1).sample(range(1000), 50)
    assert all([await breached.holds(f"other-{number}") for number in (0, 999, *sample)])
    assert not any([await breached.holds(f"another-{number}") for number in range(200)])
    assert not await breached.holds(UNKNOWN)


async def test_a_breached_password_is_refused_and_not_repeated(place: Path) -> None:
    rules = PasswordRules(Breached(place))
    with pytest.raises(WeakPassword, match="breach") as refused:
        await rules.require(KNOWN, "ada@example.com", "Ada", "new_password")
    assert [error.field for error in refused.value.errors] == ["new_password"]
    assert KNOWN not in refused.value.detail
    await rules.require(UNKNOWN, "ada@example.com", "Ada")


async def test_the_first_and_the_last_line_of_a_file_are_found(tmp_path: Path) -> None:
    for count in (1, 2, 3):
        hashes = sorted(sha1(str(number)) for number in range(count))
        (tmp_path / "set.txt").write_text("\n".join(hashes))
        breached = Breached(tmp_path / "set.txt")
        assert all([await breached.holds(str(number)) for number in range(count)])
        assert not await breached.holds("x")


async def test_without_a_set_no_password_is_in_it() -> None:
    assert not await Breached().holds(KNOWN)


def test_a_set_that_is_not_there_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(BreachedSetMissing, match="BREACHED_PASSWORDS"):
        Breached(tmp_path / "nowhere")
