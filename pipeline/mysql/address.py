"""Where a MySQL server is and how to get in; never shown with its password."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from shared.errors import InvalidArgument

PASSWORD = "MYSQL_PASSWORD"  # noqa: S105  the name of a variable
SHAPE = "mysql://user@host:3306/database"
FILES = ("ssl_ca", "ssl_cert", "ssl_key")
OPTIONS = frozenset({"charset", "ssl_mode", *FILES})


class MySqlUrlInvalid(InvalidArgument):
    """A URL does not say which database is meant."""

    reason = "MYSQL_URL_INVALID"


class PasswordUnreadable(InvalidArgument):
    """The file with the password cannot be read."""

    reason = "MYSQL_PASSWORD_UNREADABLE"


class Mode(StrEnum):
    """How far a connection is secured, in the words of MySQL's own clients."""

    DISABLED = "disabled"
    PREFERRED = "preferred"
    """Encrypted where the server can; anybody may answer."""
    REQUIRED = "required"
    """Encrypted, against listeners; anybody may answer."""
    VERIFY_CA = "verify_ca"
    """The certificate is signed by the CA; it may be made out to another host."""
    VERIFY_IDENTITY = "verify_identity"
    """The certificate is signed by the CA and made out to the host of the URL."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How the connection is encrypted, and who may answer."""

    mode: Mode = Mode.PREFERRED
    ca: Path | None = None
    """CAs that may sign the server's certificate; None: those of the system."""
    cert: Path | None = None
    key: Path | None = None

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Tls:
        """Return what `ssl_mode`, `ssl_ca`, `ssl_cert` and `ssl_key` say; asked for at all, who answers is verified."""
        ca, cert, key = (Path(options[name]) if options.get(name) else None for name in FILES)
        mode = options.get("ssl_mode", "").lower().replace("-", "_")
        if not mode:
            return cls(Mode.VERIFY_IDENTITY if ca or cert else Mode.PREFERRED, ca, cert, key)
        if mode not in set(Mode):
            raise MySqlUrlInvalid(f"ssl_mode={mode}: there is no such mode; write one of {', '.join(Mode)}")
        return cls(Mode(mode), ca, cert, key)

    def context(self, *, encrypting: bool = False) -> ssl.SSLContext | None:
        """Return the context of an encrypted connection, None to leave it to the client. Raises MySqlUrlInvalid."""
        wanted = self.mode in {Mode.REQUIRED, Mode.VERIFY_CA, Mode.VERIFY_IDENTITY}
        if not wanted and not (encrypting and self.mode == Mode.PREFERRED):
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
            if self.cert:
                context.load_cert_chain(str(self.cert), str(self.key) if self.key else None)
        except (OSError, ssl.SSLError) as error:
            raise MySqlUrlInvalid(
                f"TLS files cannot be read: {error}; give PEM files by --tls-ca, --tls-cert, --tls-key "
                "or in the URL by ssl_ca, ssl_cert, ssl_key"
            ) from None
        context.check_hostname = self.mode == Mode.VERIFY_IDENTITY
        if self.mode not in {Mode.VERIFY_CA, Mode.VERIFY_IDENTITY}:
            context.verify_mode = ssl.CERT_NONE
        return context

    def query(self) -> dict[str, str]:
        """Return what SQLAlchemy's dialect reads in a URL. Raises MySqlUrlInvalid where it has no word for it."""
        if self.mode in {Mode.DISABLED, Mode.PREFERRED}:
            return {}
        if self.ca is None and self.mode != Mode.REQUIRED:
            raise MySqlUrlInvalid("name the CA's file here by --tls-ca or ssl_ca: the system's are not looked at")
        files = {name: str(path) for name, path in zip(FILES, (self.ca, self.cert, self.key), strict=True) if path}
        if self.mode == Mode.REQUIRED:
            files.pop("ssl_ca", None)
        return files | {"ssl_check_hostname": str(self.mode == Mode.VERIFY_IDENTITY).lower()}


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

        `tls` goes before what the URL says of it.

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
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        unknown = set(options) - OPTIONS
        if unknown:
            raise MySqlUrlInvalid(f"the URL has options nobody reads ({', '.join(sorted(unknown))}); see --help")
        password = _password(password_file) or unquote(parts.password or "")
        tls = tls or Tls.of(options)
        return cls(parts.hostname, port, unquote(parts.username or "root"), database, password, tls)

    @property
    def shown(self) -> str:
        """Return the address as people may see it."""
        return f"mysql://{self.user}@{self.host}:{self.port}/{self.database}"

    def sqlalchemy_url(self, driver: str) -> str:
        """Return the URL of the database for SQLAlchemy, with the password."""
        secret = f":{quote(self.password, safe='')}" if self.password else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        place = f"{host}:{self.port}/{quote(self.database, safe='')}"
        query = urlencode({"charset": "utf8mb4"} | self.tls.query())
        return f"{driver}://{quote(self.user, safe='')}{secret}@{place}?{query}"

    def settings(self, *, encrypting: bool = False) -> dict[str, Any]:
        """Return the arguments of a connection that pymysql and asyncmy share.

        `encrypting`: the server is known to offer it, so do; of the two pymysql alone asks by itself.
        """
        found: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "charset": "utf8mb4",
            "connect_timeout": 10,
        }
        context = self.tls.context(encrypting=encrypting)
        return found | ({"ssl": context} if context else {})


def _password(file: Path | None) -> str:
    if file is None:
        return os.environ.get(PASSWORD, "")
    try:
        return file.read_text().rstrip("\r\n")
    except OSError as error:
        raise PasswordUnreadable(f"--password-file {file}: {error.strerror}; give a file that holds it alone") from None
