"""`python -m services.auth` serves; `python -m services.auth create-user` makes an account."""

from __future__ import annotations

import sys

from services.auth.create_user import create_user
from services.auth.servicer import service
from services.auth.settings import AuthSettings
from services.auth.wiring import opened
from shared.rpc.process import run
from shared.rpc.server import serve


async def main(settings: AuthSettings) -> None:
    """Serve until told to stop."""
    async with opened(settings) as servicer:
        await serve("auth", settings, [service(servicer)], servicer.verifier, ready=servicer.revocations.ready)


if __name__ == "__main__":
    command = sys.argv[1:]
    if command[:1] == ["create-user"]:
        run(create_user(command[1:], AuthSettings()))
    else:
        run(main(AuthSettings()))
