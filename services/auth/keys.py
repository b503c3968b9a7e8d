"""The keys that access tokens are signed with: made at first start, kept in files only their owner may read."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.errors import FailedPrecondition
from shared.tokens import PublicKey, SigningKey

KEY_BITS = 2048
RESCAN_SECONDS = 2.0


class KeyFileExposed(FailedPrecondition):
    """A key file can be read by others than its owner, so whoever read it can sign tokens."""

    reason = "KEY_FILE_EXPOSED"


class LocalKeys:
    """The keys in a folder. The newest signs, all are published; a key another replica adds is found when asked for."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._monotonic = folder, monotonic
        self._keys: dict[str, SigningKey] = {}
        self._public: dict[str, PublicKey] = {}
        self.reload()

    def reload(self) -> None:
        """Read the folder again, and make the first key if there is none."""
        with _locked(self._folder):
            self._keys = {path.stem: _load(path) for path in sorted(self._folder.glob("*.pem"))}
            if not self._keys:
                key = _generate(self._folder)
                self._keys = {key.kid: key}
        self._public = {kid: key.public() for kid, key in self._keys.items()}
        self._scanned_at = self._monotonic()

    @property
    def newest(self) -> SigningKey:
        """Return the key that signs. Key ids begin with the time they were made."""
        return self._keys[max(self._keys)]

    def published(self) -> list[PublicKey]:
        """Return every key that may have signed a token that still holds, newest first."""
        return [self._public[kid] for kid in sorted(self._public, reverse=True)]

    async def key(self, kid: str) -> PublicKey | None:
        """Return the key of that id."""
        if kid not in self._public and self._monotonic() - self._scanned_at >= RESCAN_SECONDS:
            self.reload()
        return self._public.get(kid)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder, so that two processes starting together make one key."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    descriptor = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _load(path: Path) -> SigningKey:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise KeyFileExposed(f"{path} has mode {mode:o}; make a new key by deleting it, or `chmod 600` it")
    return SigningKey(path.stem, path.read_text())


def _generate(folder: Path) -> SigningKey:
    """Return a new key, whole on disk under its name or not there at all."""
    kid = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    pem = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    half = folder / f".{kid}.tmp"
    with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    half.rename(folder / f"{kid}.pem")
    return SigningKey(kid, pem.decode("ascii"))
