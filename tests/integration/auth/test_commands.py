"""The commands of the auth service, as a shell starts them."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from services.auth.settings import AuthSettings
from services.auth.wiring import accounts
from tests.integration.auth.conftest import PASSWORD


async def create_user(var_dir: Path, password: str, *flags: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "services.auth", "create-user", "--email", "Demo@Example.com"]
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--full-name", "Demo Admin", *flags),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"VAR_DIR": str(var_dir)},
    )
    output, _ = await process.communicate(f"{password}\n".encode())
    return process.returncode or 0, output.decode()


async def test_an_admin_is_made_at_the_shell_with_the_password_on_standard_input(tmp_path: Path) -> None:
    code, output = await create_user(tmp_path, PASSWORD, "--role", "admin")
    assert (code, output) == (0, "demo@example.com may log in as admin\n")
    async with accounts(AuthSettings(var_dir=tmp_path)) as (_, book):
        assert (await book.authenticate("demo@example.com", PASSWORD)).roles == ("admin",)


async def test_a_second_time_needs_replace(tmp_path: Path) -> None:
    await create_user(tmp_path, PASSWORD, "--role", "viewer")
    code, output = await create_user(tmp_path, PASSWORD, "--role", "admin")
    assert code == 1
    assert output.startswith("EMAIL_TAKEN: ")
    code, output = await create_user(tmp_path, "xU4-tycho-comet-12", "--role", "admin", "--replace")
    assert (code, output) == (0, "demo@example.com may log in as admin\n")


@pytest.mark.parametrize("flags", [("--role", "emperor"), ()])
async def test_a_wrong_command_answers_with_the_usage(tmp_path: Path, flags: tuple[str, ...]) -> None:
    code, output = await create_user(tmp_path, PASSWORD, *flags)
    assert code == 2
    assert "usage:" in output


async def test_a_weak_password_is_refused_at_the_shell_too(tmp_path: Path) -> None:
    code, output = await create_user(tmp_path, "short", "--role", "admin")
    assert code == 1
    assert output.startswith("WEAK_PASSWORD: ")
    assert "short" not in output.removeprefix("WEAK_PASSWORD: ").replace("shorter", "")


async def run(var_dir: Path, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.auth", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"VAR_DIR": str(var_dir)},
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_the_audit_log_is_read_through_at_the_shell(tmp_path: Path) -> None:
    await create_user(tmp_path, PASSWORD, "--role", "viewer")
    code, output = await run(tmp_path, "verify-audit")
    assert code == 0
    end = output.removeprefix("the audit log is whole: ").strip()
    assert end.startswith("1:")
    await create_user(tmp_path, PASSWORD, "--role", "admin", "--replace")
    code, output = await run(tmp_path, "verify-audit", "--known", end)
    assert (code, output[:25]) == (0, "the audit log is whole: 2")
    code, output = await run(tmp_path, "verify-audit", "--known", f"1:{'0' * 64}")
    assert code == 1
    assert output.startswith("AUDIT_BROKEN: ")
    assert (await run(tmp_path, "verify-audit", "--known", "nonsense"))[0] == 2


async def test_an_unknown_command_names_those_there_are(tmp_path: Path) -> None:
    code, output = await run(tmp_path, "destroy")
    assert code == 1
    assert "create-user | verify-audit" in output
