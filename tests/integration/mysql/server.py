"""A throw-away MariaDB or MySQL server with a binlog, as a shop's database is."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pymysql
import pytest

from tests.integration.auth import mariadb
from tests.integration.auth.mariadb import wait_for
from tests.waiting import free_port

KINDS = ("mariadb", "mysql")
MISSING = "no `mysqld` of MySQL 8 or later is on PATH (MariaDB's does not count), so it is tried on MariaDB alone"
BINLOG = ("--log-bin=shop-bin", "--binlog-format=ROW", "--binlog-row-image=FULL", "--binlog-row-metadata=FULL")
SMALL = (
    "--innodb-buffer-pool-size=64M",
    "--innodb-flush-log-at-trx-commit=2",
    "--sync-binlog=0",
    "--performance-schema=OFF",
)
OWN = {
    "mariadb": ("--skip-name-resolve", "--max-recursive-iterations=100000000"),
    # Without --skip-name-resolve: root is at `localhost`, a name that 127.0.0.1 gets by being resolved.
    "mysql": ("--mysqlx=OFF", "--secure-file-priv=NULL", "--cte-max-recursion-depth=100000000"),
}


@cache
def mysqld() -> str | None:
    """Return the path of a MySQL server, None where there is none: MariaDB has a program of the same name."""
    for folder in [*os.get_exec_path(), "/usr/sbin", "/usr/local/sbin"]:
        path = shutil.which("mysqld", path=folder)
        if path and "mariadb" not in subprocess.check_output([path, "--version"], text=True).lower():
            return path
    return None


def install(kind: str, folder: Path) -> str:
    """Return the server's path once the folder holds an empty installation: user root, no password."""
    if kind == "mariadb":
        return mariadb.install(folder)
    server = mysqld()
    if server is None:
        pytest.skip(MISSING)
    made = [server, "--no-defaults", "--initialize-insecure", f"--datadir={folder}/data", f"--user={getpass.getuser()}"]
    subprocess.run(made, check=True, capture_output=True)
    return server


@dataclass
class Server:
    """One server whose data live in a folder; it can be stopped, killed and started again."""

    kind: str
    folder: Path
    binary: str
    port: int
    options: tuple[str, ...] = BINLOG
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self, *more: str) -> None:
        where = [f"--datadir={self.folder}/data", f"--socket={self.folder}/s", f"--pid-file={self.folder}/pid"]
        listen = [f"--user={getpass.getuser()}", f"--port={self.port}", "--bind-address=127.0.0.1", "--server-id=7"]
        with (self.folder / "log").open("ab") as log:
            command = [self.binary, "--no-defaults", *where, *listen, *SMALL, *OWN[self.kind], *self.options, *more]
            self.process = subprocess.Popen(command, stderr=log, stdout=log)
        wait_for(self.port, self.process, self.folder / "log")

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def root(self, database: str | None = None, **settings: object) -> pymysql.Connection:
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            database=database,
            autocommit=True,
            charset="utf8mb4",
            **settings,
        )

    def url(self, database: str, user: str = "root") -> str:
        return f"mysql://{user}@127.0.0.1:{self.port}/{database}"

    def forget_binlogs(self, connection: pymysql.Connection) -> None:
        """Begin the binlog anew, with the first file's name."""
        with connection.cursor() as cursor:
            try:
                cursor.execute("RESET BINARY LOGS AND GTIDS")
            except pymysql.err.ProgrammingError:  # MariaDB, and MySQL before 8.2
                cursor.execute("RESET MASTER")


@contextmanager
def running(kind: str, folder: Path, *options: str) -> Iterator[Server]:
    """Yield a new server whose data live in the folder."""
    server = Server(kind, folder, install(kind, folder), free_port(), options or BINLOG)
    server.start()
    try:
        yield server
    finally:
        server.stop()
