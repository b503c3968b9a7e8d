"""`create-user`: an account made at the shell, with the password read from standard input."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from services.auth.settings import AuthSettings
from services.auth.wiring import accounts
from shared.permissions import ROLES


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for. Exits with the usage when that is wrong."""
    parser = argparse.ArgumentParser("python -m services.auth create-user", description=__doc__)
    parser.add_argument("--email", required=True)
    parser.add_argument("--full-name", required=True)
    parser.add_argument("--role", required=True, action="append", choices=ROLES, help="may be given several times")
    parser.add_argument("--replace", action="store_true", help="change the account if there is one already")
    return parser.parse_args(argv)


async def create_user(argv: Sequence[str], settings: AuthSettings) -> None:
    """Make the account, or with `--replace` make or change it. Raises EmailTaken, WeakPassword and the like."""
    wanted = arguments(argv)
    password = sys.stdin.readline().rstrip("\r\n")
    async with accounts(settings) as (_, book):
        make = book.put if wanted.replace else book.create
        account = await make(wanted.email, password, wanted.full_name, wanted.role)
    sys.stdout.write(f"{account.email} may log in as {', '.join(account.roles)}\n")
