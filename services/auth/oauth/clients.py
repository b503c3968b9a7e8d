"""OAuth clients: programs that may ask for tokens, and what each may ask for."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import ClientMixin
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from services.auth import audit
from services.auth.accounts import SHELL
from services.auth.settings import is_loopback
from services.auth.store import OAuthClientRow, now
from shared.db import Database
from shared.errors import InvalidArgument, NotFound
from shared.permissions import permissions_of
from shared.scopes import CLIENT_ROLE, SCOPES

CODE, REFRESH, CLIENT, PASSWORD = "authorization_code", "refresh_token", "client_credentials", "password"
GRANT_TYPES = (CODE, REFRESH, CLIENT)
SECRET_BYTES = 32
LONGEST_URI = 2048


class InvalidClientSettings(InvalidArgument):
    """A client that could not be used, or not safely."""

    reason = "INVALID_CLIENT_SETTINGS"


class UnknownClient(NotFound):
    """There is no such client."""

    reason = "UNKNOWN_CLIENT"


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """A client in Authlib's terms."""

    id: str
    name: str
    secret_hash: str
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]

    def get_client_id(self) -> str:
        """Return the id."""
        return self.id

    def get_default_redirect_uri(self) -> None:
        """Return nothing: a client says each time where it wants its answer."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return what was asked for, all there is when nothing was; None when something may not be asked for."""
        wanted = list(dict.fromkeys((scope or "").split())) or list(self.scopes)
        return " ".join(wanted) if set(wanted) <= set(self.scopes) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Return whether it is, to the character, one that was registered (RFC 9700, 2.1)."""
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Return whether it is the secret."""
        return bool(self.secret_hash) and hmac.compare_digest(self.secret_hash, hash_secret(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Return whether it shows who it is in a way that it can: one with a secret never without it."""
        return (method == "none") != bool(self.secret_hash)

    def check_response_type(self, response_type: str) -> bool:
        """Return whether it may ask for a code."""
        return response_type == "code" and CODE in self.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether it may use that grant."""
        return grant_type in self.grant_types


class Clients:
    """The clients of the platform."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, client_id: str) -> Client | None:
        """Return the client of that id, None when there is none or it was disabled."""
        async with self._database.session() as session:
            row = await session.get(OAuthClientRow, client_id)
        return None if row is None or row.disabled_at else _client(row)

    async def create(
        self,
        name: str,
        redirect_uris: Collection[str],
        grant_types: Collection[str],
        scopes: Collection[str],
        public: bool = False,
    ) -> tuple[Client, str]:
        """Return a new client and its secret, empty for a public one. Raises InvalidClientSettings."""
        require_sound(redirect_uris, grant_types, scopes, public)
        secret = "" if public else secrets.token_urlsafe(SECRET_BYTES)
        row = OAuthClientRow(
            id=f"client-{secrets.token_hex(8)}",
            name=name,
            secret_hash=hash_secret(secret) if secret else "",
            redirect_uris=" ".join(redirect_uris),
            grant_types=" ".join(grant_types),
            scopes=" ".join(scopes),
        )
        async with self._database.transaction() as session:
            session.add(row)
            await audit.append(session, "oauth.client_created", actor=SHELL, target=row.id, details={"name": name})
        return _client(row), secret

    async def put(self, client_id: str, name: str, redirect_uri: str, grant_types: Collection[str]) -> None:
        """Make or change a public client of our own, which may ask for everything its user may."""
        values = (name, redirect_uri, " ".join(grant_types), " ".join(SCOPES))
        try:
            async with self._database.transaction() as session:
                row = await session.get(OAuthClientRow, client_id)
                row = row or OAuthClientRow(id=client_id, name="", grant_types="", scopes="")
                row.name, row.redirect_uris, row.grant_types, row.scopes = values
                session.add(row)
        except IntegrityError:
            return  # another replica that starts at this moment has made the very same

    async def disable(self, client_id: str) -> None:
        """Let a client get no more tokens. Raises UnknownClient."""
        async with self._database.transaction() as session:
            row = await session.get(OAuthClientRow, client_id)
            if row is None:
                raise UnknownClient(f"there is no client {client_id}; list-clients shows those there are")
            row.disabled_at = now()

    async def all(self) -> list[Client]:
        """Return every client that is not disabled, by name."""
        query = select(OAuthClientRow).where(OAuthClientRow.disabled_at == None).order_by(OAuthClientRow.name)  # noqa: E711
        async with self._database.session() as session:
            return [_client(row) for row in await session.scalars(query)]


def require_sound(
    redirect_uris: Collection[str], grant_types: Collection[str], scopes: Collection[str], public: bool
) -> None:
    """Return if a client can be used, and safely. Raises InvalidClientSettings."""
    for fault in faults(redirect_uris, grant_types, scopes, public):
        raise InvalidClientSettings(fault)


def faults(
    redirect_uris: Collection[str], grant_types: Collection[str], scopes: Collection[str], public: bool
) -> list[str]:
    """Return what is wrong with a client, a sentence each."""
    found = [f"{uri!r} is no redirect URI: {why}" for uri in redirect_uris if (why := uri_fault(uri))]
    unknown = sorted(set(grant_types) - set(GRANT_TYPES))
    if unknown or not grant_types:
        found.append(f"grants {', '.join(unknown) or 'none'}: choose of {', '.join(GRANT_TYPES)}")
    if (CODE in grant_types) != bool(redirect_uris):
        found.append(f"{CODE} needs a redirect URI, and a redirect URI needs {CODE}")
    if strange := sorted(set(scopes) - set(SCOPES)):
        found.append(f"scopes {', '.join(strange)}: choose of {', '.join(SCOPES)}")
    if CLIENT in grant_types:
        if public:
            found.append(f"a public client cannot show that it is itself, so it cannot have {CLIENT}")
        if too_much := sorted(set(scopes) - permissions_of([CLIENT_ROLE])):
            found.append(f"{CLIENT} comes with the role {CLIENT_ROLE}, which does not allow {', '.join(too_much)}")
    return found


def uri_fault(uri: str) -> str:
    """Return why an address cannot be redirected to, empty when it can: https, or http on this machine alone."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return "it cannot be read"
    if len(uri) > LONGEST_URI or not uri.isascii() or any(letter.isspace() or letter < " " for letter in uri):
        return "it is too long, or has spaces or other than ASCII letters"
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(uri)):
        return "it must begin with https:// (http:// on loopback alone)"
    if not host or parts.username is not None or parts.fragment or "*" in host:
        return "it must name one host, without user, wildcard or fragment"
    return ""


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret. It holds 256 random bits, so a plain hash cannot be reversed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _client(row: OAuthClientRow) -> Client:
    return Client(
        row.id,
        row.name,
        row.secret_hash,
        tuple(row.redirect_uris.split()),
        tuple(row.grant_types.split()),
        tuple(row.scopes.split()),
    )
