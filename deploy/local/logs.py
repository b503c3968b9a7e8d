"""Where the lines of each process go: the terminal, with its name before them, and var/log/<name>.log."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TypedDict

FILE_BYTES = 10_000_000
FILES_KEPT = 3


class Chunk(TypedDict):
    """What the supervisor reads from a process."""

    data: bytes


class ServiceLog:
    """A stream of the supervisor: whole lines, prefixed on the terminal, as they are in the file."""

    def __init__(self, name: str, width: int, folder: Path) -> None:
        """Open `folder/name.log`; names are padded to `width` on the terminal."""
        folder.mkdir(parents=True, exist_ok=True)
        self._prefix = f"{name:<{width}} | "
        self._file = RotatingFileHandler(folder / f"{name}.log", maxBytes=FILE_BYTES, backupCount=FILES_KEPT)
        self._rest = b""

    def __call__(self, chunk: Chunk) -> None:
        """Write the whole lines there are by now, and keep the rest."""
        *lines, self._rest = (self._rest + chunk["data"]).split(b"\n")
        for line in lines:
            self._line(line.decode(errors="replace"))

    def close(self) -> None:
        """Write what came without a last line end, and close the file."""
        if self._rest:
            self._line(self._rest.decode(errors="replace"))
            self._rest = b""
        self._file.close()

    def _line(self, text: str) -> None:
        sys.stdout.write(f"{self._prefix}{text}\n")
        sys.stdout.flush()
        self._file.emit(logging.makeLogRecord({"msg": text}))
