"""`create-client`, `list-clients`, `disable-client`: OAuth clients managed at the shell."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from services.auth import audit
from services.auth.accounts import SHELL
from services.auth.oauth.clients import CLIENT, GRANT_TYPES, Clients
from services.auth.revocations import end_client
from services.auth.settings import AuthSettings
from services.auth.wiring import store
from shared.scopes import SCOPES


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for. Exits with the usage when that is wrong."""
    parser = argparse.ArgumentParser("python -m services.auth create-client", description=__doc__)
    parser.add_argument("--name", required=True, help="as people see it when they are asked")
    parser.add_argument("--grant", action="append", choices=GRANT_TYPES, help=f"may be repeated; default {CLIENT}")
    parser.add_argument("--redirect-uri", action="append", default=[], help="may be repeated; compared to the letter")
    parser.add_argument("--scope", action="append", required=True, choices=SCOPES, help="may be repeated")
    parser.add_argument("--public", action="store_true", help="it runs where no secret can be kept")
    return parser.parse_args(argv)


async def create_client(argv: Sequence[str], settings: AuthSettings) -> None:
    """Make a client and print its id and secret, this once. Raises InvalidClientSettings."""
    wanted = arguments(argv)
    async with store(settings) as database:
        client, secret = await Clients(database).create(
            wanted.name, wanted.redirect_uri, wanted.grant or [CLIENT], wanted.scope, wanted.public
        )
    sys.stdout.write(f"client_id {client.id}\n")
    if secret:
        sys.stdout.write(f"client_secret {secret}\nThe secret is not kept here: note it now.\n")


async def list_clients(_: Sequence[str], settings: AuthSettings) -> None:
    """Print every client."""
    async with store(settings) as database:
        for client in await Clients(database).all():
            kind = "confidential" if client.secret_hash else "public"
            sys.stdout.write(f"{client.id}\t{client.name}\t{kind}\t{','.join(client.grant_types)}\n")


async def disable_client(argv: Sequence[str], settings: AuthSettings) -> None:
    """Let a client get no more tokens, and end what it holds. Raises UnknownClient."""
    parser = argparse.ArgumentParser("python -m services.auth disable-client", description=__doc__)
    parser.add_argument("client_id")
    client_id = parser.parse_args(argv).client_id
    async with store(settings) as database:
        await Clients(database).disable(client_id)
        async with database.transaction() as session:
            ended = await end_client(session, client_id)
            await audit.append(session, "oauth.client_disabled", actor=SHELL, target=client_id)
    sys.stdout.write(f"{client_id} is disabled; sessions ended: {len(ended) - 1}\n")
