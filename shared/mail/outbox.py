"""Mail written into a folder, for an installation that sends none: its links are for whoever runs it."""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import structlog

from shared.mail.mail import Mail

log = structlog.get_logger(__name__)


class Outbox:
    """Writes each mail as a file that only its owner may read; the log names the file and nothing else."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder, self._sender = folder, sender

    async def send(self, mail: Mail) -> None:
        """Return once the mail is in the folder."""
        path = await asyncio.to_thread(self._write, bytes(mail.message(self._sender)))
        log.info("mail.outbox", file=path.name)

    def _write(self, content: bytes) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}.eml"
        half = path.with_suffix(".partial")
        with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
        half.rename(path)
        return path
