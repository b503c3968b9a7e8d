"""`python -m services.auth` serves; with the name of a command, such as `create-user`, it does that and ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from services.auth.create_user import create_user
from services.auth.oauth.commands import create_client, disable_client, list_clients
from services.auth.rotate_keys import rotate_keys
from services.auth.servicers import services
from services.auth.settings import AuthSettings
from services.auth.verify_audit import verify_audit
from services.auth.wiring import opened
from shared import logs
from shared.rpc.process import run
from shared.rpc.server import serve
from shared.transcode.publish import service_app

COMMANDS: Mapping[str, Callable[[Sequence[str], AuthSettings], Coroutine[Any, Any, None]]] = MappingProxyType(
    {
        "create-user": create_user,
        "create-client": create_client,
        "list-clients": list_clients,
        "disable-client": disable_client,
        "rotate-keys": rotate_keys,
        "verify-audit": verify_audit,
    }
)


async def main(settings: AuthSettings) -> None:
    """Serve until told to stop."""
    async with opened(settings) as parts:
        served, verifier = services(parts), parts.verifier
        names = [one.descriptor.full_name for one in served]
        rest = service_app("auth", names, verifier, issuer=settings.issuer)
        await serve("auth", settings, served, verifier, ready=parts.revocations.ready, http_app_factory=rest)


def start(arguments: Sequence[str]) -> Coroutine[Any, Any, None]:
    """Return what the arguments ask for."""
    settings = AuthSettings()
    if not arguments:
        return main(settings)
    # A command answers on standard output; only what went wrong is logged beside it.
    logs.configure("auth", settings.model_copy(update={"log_level": "warning"}))
    if arguments[0] in COMMANDS:
        return COMMANDS[arguments[0]](arguments[1:], settings)
    sys.exit(f"usage: python -m services.auth [{' | '.join(COMMANDS)}]")


if __name__ == "__main__":
    run(start(sys.argv[1:]))
