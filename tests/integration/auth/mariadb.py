"""A throw-away MariaDB server on a free loopback port."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.waiting import eventually, free_port

MISSING = "mariadbd is not installed, so MySQL is not tested here; `apt-get install mariadb-server` brings it"


def binary(*names: str) -> str | None:
    found = (shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin") for name in names)
    return next((path for path in found if path), None)


def install(folder: Path) -> str:
    """Return the server's path once the folder holds an empty installation: user root, no password."""
    server, installer = binary("mariadbd", "mysqld"), binary("mariadb-install-db", "mysql_install_db")
    if not (server and installer):
        pytest.skip(MISSING)
    command = [installer, "--no-defaults", f"--datadir={folder}/data", f"--user={getpass.getuser()}"]
    command += ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(command, check=True, capture_output=True)
    return server


@contextmanager
def serving(server: str, folder: Path, port: int) -> Iterator[None]:
    """Serve what is in the folder."""
    where = [f"--datadir={folder}/data", f"--socket={folder}/s", f"--pid-file={folder}/pid"]
    listen = [f"--user={getpass.getuser()}", f"--port={port}", "--bind-address=127.0.0.1"]
    small = ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=2", "--skip-log-bin"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([server, "--no-defaults", *where, *listen, *small], stderr=log, stdout=log)
        try:
            wait_for(port, process, folder / "log")
            yield
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """Yield the port of a new server whose data live in the folder."""
    server, port = install(folder), free_port()
    with serving(server, folder, port):
        yield port


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server listens. Raises RuntimeError where it ended instead."""

    def listens() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"the database did not start:\n{log.read_text()[-2000:]}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    eventually(listens)
