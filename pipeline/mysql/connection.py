"""Connections to a MySQL or MariaDB server, whose refusals are told with their remedy."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import pymysql
from pymysql.constants import CR, ER

from pipeline.mysql.address import PASSWORD, Address, Mode
from shared.errors import FailedPrecondition, NotFound, PermissionDenied, Unavailable

GRANT = "GRANT SELECT, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '{user}'@'…'"
LOST = frozenset(
    {CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_CONN_HOST_ERROR, CR.CR_CONNECTION_ERROR, 1927, 1053}
)
"""Codes of a connection that went away: 1927 it was killed (MariaDB), 1053 the server is stopping."""
REFUSED = frozenset({ER.ACCESS_DENIED_ERROR, 1698, 1251})
UNGRANTED = frozenset({ER.SPECIFIC_ACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, 1143})


class MySqlUnreachable(Unavailable):
    """Nobody answers at the address, or the connection was cut."""

    reason = "MYSQL_UNREACHABLE"


class MySqlRefused(PermissionDenied):
    """The server does not let the user in."""

    reason = "MYSQL_REFUSED"


class MySqlTlsFailed(PermissionDenied):
    """The server cannot encrypt, or is not who it should be; nothing was sent to it."""

    reason = "MYSQL_TLS_FAILED"


class MySqlNotGranted(PermissionDenied):
    """The user lacks a privilege."""

    reason = "MYSQL_NOT_GRANTED"


class NoSuchDatabase(NotFound):
    """The server has no such database."""

    reason = "MYSQL_NO_SUCH_DATABASE"


class MySqlFailed(FailedPrecondition):
    """The server answered with an error nobody foresaw."""

    reason = "MYSQL_FAILED"


def code_of(error: BaseException) -> int:
    """Return the MySQL error code of an exception of pymysql or asyncmy, 0 without one."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def explain(error: Exception, address: Address, doing: str) -> NoReturn:
    """Raise what an error of the server means, in our words: its own may repeat a statement with values."""
    code = code_of(error)
    why = _tls_failure(error)
    if why:
        raise MySqlTlsFailed(
            f"{address.shown}: no secure connection ({why}); give the CA that signed the server's certificate by "
            "--tls-ca or ssl_ca, and the host by the name in the certificate (or ssl_mode=verify_ca); "
            "the password was not sent"
        ) from None
    if code == ER.BAD_DB_ERROR:
        raise NoSuchDatabase(f"{address.shown}: the server has no such database; check the URL's path") from None
    if code in UNGRANTED:
        raise MySqlNotGranted(
            f"{address.shown}: the user may not {doing} (MySQL error {code}); "
            f"as an administrator: {GRANT.format(user=address.user)}"
        ) from None
    if code in REFUSED:
        raise MySqlRefused(
            f"{address.shown}: the server refused the user or the password; "
            f"check the user in the URL and {PASSWORD} (or --password-file)"
        ) from None
    if code in LOST or isinstance(error, OSError) or code == 0:
        raise MySqlUnreachable(
            f"{address.shown}: no connection while trying to {doing} (MySQL error {code}); "
            "is the server up and the address right? What was committed stays, the next run goes on from there"
        ) from None
    raise MySqlFailed(f"{address.shown}: could not {doing}: MySQL error {code} ({type(error).__name__})") from None


def _tls_failure(error: BaseException) -> str:
    """Return what was wrong with the encryption, empty where it is another matter."""
    met: BaseException | None = error
    while met is not None:
        if isinstance(met, ssl.SSLCertVerificationError):
            return met.verify_message
        if isinstance(met, ssl.SSLError):
            return met.reason or "TLS failed"
        met = met.__cause__ or met.__context__
    return "the server does not offer TLS" if code_of(error) == CR.CR_SSL_CONNECTION_ERROR else ""


@contextmanager
def explaining(address: Address, doing: str) -> Iterator[None]:
    """Raise a PlatformError for any error of the server inside the block."""
    try:
        yield
    except (pymysql.err.Error, OSError) as error:
        explain(error, address, doing)


def connect(address: Address, **settings: Any) -> pymysql.Connection[Any]:
    """Return a connection in UTC that reads text as UTF-8. Raises a PlatformError that says why not."""
    wanted = {"init_command": "SET time_zone = '+00:00'", "autocommit": True, "read_timeout": 600, **settings}
    if address.tls.mode == Mode.DISABLED:
        wanted["ssl_disabled"] = True
    with explaining(address, "connect"):
        return pymysql.connect(**address.settings(), database=address.database, **wanted)


class Server:
    """Questions about a server and its binlog, over a connection of their own that is made again when lost."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._connection: pymysql.Connection[Any] | None = None

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None and self._connection.open:
            self._connection.close()
        self._connection = None

    def rows(self, doing: str, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a statement, by column; `doing` is told where it fails."""
        with explaining(self.address, doing):
            try:
                return self._asked(sql, values)
            except (pymysql.err.OperationalError, pymysql.err.InterfaceError, OSError) as error:
                if code_of(error) not in LOST and code_of(error) != 0:
                    raise
                self.close()
                return self._asked(sql, values)

    def variables(self, *names: str) -> Mapping[str, str]:
        """Return name → value of global variables, those that the server knows."""
        marks = ", ".join(["%s"] * len(names))
        found = self.rows("read variables", f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({marks})", names)
        return {str(row["Variable_name"]): str(row["Value"]) for row in found}

    @property
    def is_mariadb(self) -> bool:
        """Return whether it is MariaDB, else MySQL."""
        return "mariadb" in str(self.rows("ask the version", "SELECT VERSION() AS v")[0]["v"]).lower()

    @property
    def is_encrypted(self) -> bool:
        """Return whether the connection to it is."""
        return any(row["Value"] for row in self.rows("ask for the cipher", "SHOW SESSION STATUS LIKE 'Ssl_cipher'"))

    def _asked(self, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        if self._connection is None:
            self._connection = connect(self.address, cursorclass=pymysql.cursors.DictCursor)
        with self._connection.cursor() as cursor:
            cursor.execute(sql, tuple(values) or None)
            return list(cursor.fetchall())
