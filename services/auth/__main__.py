"""`python -m services.auth` serves; `python -m services.auth create-user` makes an account."""

from __future__ import annotations

import sys

from services.auth.create_user import create_user
from services.auth.servicers import services
from services.auth.settings import AuthSettings
from services.auth.wiring import opened
from shared.rpc.process import run
from shared.rpc.server import serve
from shared.transcode.publish import service_app


async def main(settings: AuthSettings) -> None:
    """Serve until told to stop."""
    async with opened(settings) as parts:
        served, verifier = services(parts), parts.verifier
        names = [one.descriptor.full_name for one in served]
        rest = service_app("auth", names, verifier, issuer=settings.issuer)
        await serve("auth", settings, served, verifier, ready=parts.revocations.ready, http_app_factory=rest)


if __name__ == "__main__":
    command = sys.argv[1:]
    if command[:1] == ["create-user"]:
        run(create_user(command[1:], AuthSettings()))
    else:
        run(main(AuthSettings()))
