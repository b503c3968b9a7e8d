"""`python -m services.auth` serves; `python -m services.auth create-user` makes an account."""

from __future__ import annotations

import sys

from services.auth.create_user import create_user
from services.auth.servicer import service
from services.auth.settings import AuthSettings
from services.auth.wiring import opened
from shared.rpc.process import run
from shared.rpc.server import serve
from shared.transcode.publish import service_app


async def main(settings: AuthSettings) -> None:
    """Serve until told to stop."""
    async with opened(settings) as servicer:
        served, verifier = service(servicer), servicer.verifier
        rest = service_app("auth", [served.descriptor.full_name], verifier, issuer=settings.issuer)
        ready = servicer.revocations.ready
        await serve("auth", settings, [served], verifier, ready=ready, http_app_factory=rest)


if __name__ == "__main__":
    command = sys.argv[1:]
    if command[:1] == ["create-user"]:
        run(create_user(command[1:], AuthSettings()))
    else:
        run(main(AuthSettings()))
