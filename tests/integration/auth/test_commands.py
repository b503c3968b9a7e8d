"""The commands of the auth service, as a shell starts them."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from services.auth.keys import LocalKeys
from services.auth.settings import AuthSettings
from services.auth.store import now
from services.auth.wiring import accounts, opened
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
        env=os.environ | {"VAR_DIR": str(var_dir), "KEY_PUBLISH_MINUTES": "3"},
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
    assert all(name in output for name in ("create-user", "rotate-keys", "verify-audit"))


async def test_a_client_is_made_listed_and_disabled_at_the_shell(tmp_path: Path) -> None:
    code, output = await run(tmp_path, "create-client", "--name", "Acme", "--scope", "demand:read")
    told = dict(line.split(" ", 1) for line in output.splitlines()[:2])
    assert (code, len(told["client_secret"])) == (0, 43)
    code, output = await run(tmp_path, "list-clients")
    assert (code, output) == (0, f"{told['client_id']}\tAcme\tconfidential\tclient_credentials\n")
    code, output = await run(tmp_path, "disable-client", told["client_id"])
    assert (code, output) == (0, f"{told['client_id']} is disabled; sessions ended: 0\n")
    assert await run(tmp_path, "list-clients") == (0, "")
    code, output = await run(tmp_path, "disable-client", "nobody")
    assert (code, output.startswith("UNKNOWN_CLIENT: ")) == (1, True)


async def test_a_client_that_is_not_safe_is_refused_at_the_shell(tmp_path: Path) -> None:
    wanted = ("create-client", "--name", "Acme", "--scope", "demand:read", "--grant", "authorization_code")
    code, output = await run(tmp_path, *wanted, "--redirect-uri", "http://acme.example.com/cb")
    assert (code, output.startswith("INVALID_CLIENT_SETTINGS: ")) == (1, True)


async def test_a_new_key_made_at_the_shell_is_published_by_a_running_process_and_signs_later(tmp_path: Path) -> None:
    settings = AuthSettings(var_dir=tmp_path, key_publish_minutes=3)
    async with opened(settings) as parts:
        before = parts.keys.current.kid
        code, output = await run(tmp_path, "rotate-keys")
        fresh = output.split(" ", 1)[0]
        assert (code, output) == (0, f"{fresh} signs in 3 minutes\n")
        assert fresh != before
        await asyncio.to_thread(parts.keys.tend)  # what the process does every half minute
        assert [key.kid for key in parts.keys.published()] == sorted((before, fresh), reverse=True)
        assert parts.keys.current.kid == before
        later = LocalKeys(settings.keys_dir, rotation=settings.rotation, clock=lambda: now() + timedelta(minutes=3))
        assert later.current.kid == fresh
