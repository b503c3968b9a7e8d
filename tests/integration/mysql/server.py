"""A throw-away MariaDB server with a binlog, as a shop's database is."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pymysql

from tests.integration.auth.mariadb import install, wait_for
from tests.waiting import free_port

BINLOG = ("--log-bin=mariadb-bin", "--binlog-format=ROW", "--binlog-row-image=FULL", "--binlog-row-metadata=FULL")


@dataclass
class Server:
    """One server whose data live in a folder; it can be stopped, killed and started again."""

    folder: Path
    binary: str
    port: int
    options: tuple[str, ...] = BINLOG
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self, *more: str) -> None:
        where = [f"--datadir={self.folder}/data", f"--socket={self.folder}/s", f"--pid-file={self.folder}/pid"]
        listen = [f"--user={getpass.getuser()}", f"--port={self.port}", "--bind-address=127.0.0.1", "--server-id=7"]
        small = ["--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=2", "--skip-name-resolve"]
        with (self.folder / "log").open("ab") as log:
            command = [self.binary, "--no-defaults", *where, *listen, *small, *self.options, *more]
            self.process = subprocess.Popen(command, stderr=log, stdout=log)
        wait_for(self.port, self.process, self.folder / "log")

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(30)
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


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Server]:
    """Yield a new server whose data live in the folder."""
    server = Server(folder, install(folder), free_port(), options or BINLOG)
    server.start()
    try:
        yield server
    finally:
        server.stop()
