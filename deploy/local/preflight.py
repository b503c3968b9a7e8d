"""What must hold before anything starts: one run a VAR_DIR, and a free port."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

HOST = "127.0.0.1"


class CannotStart(Exception):
    """The platform cannot start; the text tells the person why and what to do."""


def port_from(text: str) -> int:
    """Return the port named by `text`. Raises CannotStart when it is none."""
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise CannotStart(f"PORT={text} is not a port number; use one between 1 and 65535, such as PORT=8001.")


def require_free(port: int) -> None:
    """Return if somebody could listen on `port` now. Raises CannotStart otherwise."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CannotStart(f"This account may not listen on port {port}; try PORT=8001 make run.") from None
        except OSError:
            raise CannotStart(
                f"Port {port} is taken by another program; choose another one, such as PORT={port + 1} make run."
            ) from None


@contextmanager
def only_one(var_dir: Path, port: int) -> Iterator[None]:
    """Hold this VAR_DIR's lock, so that two starts never share state. Raises CannotStart if it is held."""
    run_dir = var_dir / "run"
    run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(_already_running(lock)) from None
        _write(lock, {"pid": os.getpid(), "port": port})
        with _terminated_like_interrupted():
            yield
        _write(lock, {})


def _write(lock: TextIO, content: dict[str, int]) -> None:
    lock.seek(0)
    lock.truncate()
    json.dump(content, lock)
    lock.flush()


def _already_running(lock: TextIO) -> str:
    lock.seek(0)
    try:
        holder = json.load(lock)
        return (
            f"It is already running here: http://{HOST}:{holder['port']} (process {holder['pid']}). "
            "Stop that one with Ctrl-C first, or give this one its own VAR_DIR and PORT."
        )
    except (ValueError, KeyError):
        return "Another start is under way in this checkout; wait for it, or give this one its own VAR_DIR and PORT."


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """While preparing, SIGTERM ends the run as Ctrl-C does; the supervisor installs its own handlers later."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
