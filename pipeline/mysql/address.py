"""Where a MySQL server is and how to get in; never shown with its password."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from shared.errors import InvalidArgument

PASSWORD = "MYSQL_PASSWORD"  # noqa: S105  the name of a variable
SHAPE = "mysql://user@host:3306/database"
OPTIONS = frozenset({"charset"})


class MySqlUrlInvalid(InvalidArgument):
    """A URL does not say which database is meant."""

    reason = "MYSQL_URL_INVALID"


class PasswordUnreadable(InvalidArgument):
    """The file with the password cannot be read."""

    reason = "MYSQL_PASSWORD_UNREADABLE"


@dataclass(frozen=True, slots=True)
class Tls:
    """How the connection is encrypted; nothing set: as the server offers, unverified."""

    required: bool = False
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext | None:
        """Return the context of an encrypted connection, None for a plain one. Raises MySqlUrlInvalid."""
        if not (self.required or self.ca or self.cert):
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
            if self.cert:
                context.load_cert_chain(str(self.cert), str(self.key) if self.key else None)
        except (OSError, ssl.SSLError) as error:
            raise MySqlUrlInvalid(
                f"TLS files cannot be read: {error}; give PEM files by --tls-ca, --tls-cert, --tls-key"
            ) from None
        if self.ca is None:
            # Encrypted against listeners, but not proof against somebody in between: that takes a CA.
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


@dataclass(frozen=True, slots=True)
class Address:
    """One database of one server."""

    host: str
    port: int
    user: str
    database: str
    password: str = field(default="", repr=False)
    tls: Tls = Tls()

    @classmethod
    def parse(cls, url: str, *, password_file: Path | None = None, tls: Tls | None = None) -> Address:
        """Return what a URL says; a password comes from the file, MYSQL_PASSWORD or the URL, in this order.

        Raises:
            MySqlUrlInvalid: without the URL, which may hold a password.
            PasswordUnreadable: the file is not there.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or 3306
        except ValueError:
            raise MySqlUrlInvalid(f"the URL is not one of a MySQL database; write {SHAPE}") from None
        database = unquote(parts.path.strip("/"))
        if parts.scheme.partition("+")[0] not in {"mysql", "mariadb"}:
            raise MySqlUrlInvalid(f"the URL begins with {parts.scheme or 'nothing'}://, not mysql://; write {SHAPE}")
        if not (parts.hostname and database and "/" not in database):
            missing = "host" if not parts.hostname else "database"
            raise MySqlUrlInvalid(f"the URL names no {missing}; write {SHAPE}")
        unknown = set(parse_qs(parts.query)) - OPTIONS
        if unknown:
            raise MySqlUrlInvalid(f"the URL has options nobody reads ({', '.join(sorted(unknown))}); see --help")
        password = _password(password_file) or unquote(parts.password or "")
        return cls(parts.hostname, port, unquote(parts.username or "root"), database, password, tls or Tls())

    @property
    def shown(self) -> str:
        """Return the address as people may see it."""
        return f"mysql://{self.user}@{self.host}:{self.port}/{self.database}"

    def sqlalchemy_url(self, driver: str) -> str:
        """Return the URL of the database for SQLAlchemy, with the password."""
        secret = f":{quote(self.password, safe='')}" if self.password else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        place = f"{host}:{self.port}/{quote(self.database, safe='')}"
        return f"{driver}://{quote(self.user, safe='')}{secret}@{place}?charset=utf8mb4"

    def settings(self) -> dict[str, Any]:
        """Return the arguments of a connection that pymysql and asyncmy share."""
        found: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "charset": "utf8mb4",
            "connect_timeout": 10,
        }
        context = self.tls.context()
        return found | ({"ssl": context} if context else {})


def _password(file: Path | None) -> str:
    if file is None:
        return os.environ.get(PASSWORD, "")
    try:
        return file.read_text().rstrip("\r\n")
    except OSError as error:
        raise PasswordUnreadable(f"--password-file {file}: {error.strerror}; give a file that holds it alone") from None
