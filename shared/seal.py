"""Secrets that must be read again, sealed with a key that is not in the database."""

from __future__ import annotations

import os
import secrets
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import FailedPrecondition, Internal

KEY_BYTES = 32
NONCE_BYTES = 12


class SealKeyExposed(FailedPrecondition):
    """The key can be read by others than its owner, so whoever has a copy of the database can read the secrets."""

    reason = "SEAL_KEY_EXPOSED"


class SealBroken(Internal):
    """What was sealed cannot be opened: it was sealed with another key, or for somebody else."""

    reason = "SEAL_BROKEN"


class Seal:
    """AES-256-GCM with one key. What is sealed for one owner opens for no other."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def of_file(cls, path: Path) -> Seal:
        """Return the seal whose key is in a file, made when it is missing. Raises SealKeyExposed."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path)
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise SealKeyExposed(f"{path} has mode {mode:o}; `chmod 600` it, and enrol again who it was for")
        return cls(path.read_bytes())

    def close(self, secret: str, owner: str) -> str:
        """Return the secret sealed for an owner."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return b64encode(nonce + self._cipher.encrypt(nonce, secret.encode(), owner.encode())).decode("ascii")

    def open(self, sealed: str, owner: str) -> str:
        """Return what was sealed for an owner. Raises SealBroken."""
        raw = b64decode(sealed)
        try:
            return self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode()).decode()
        except InvalidTag as error:
            raise SealBroken(
                "a stored secret does not open; is its key below VAR_DIR/secrets the one it was sealed with?"
            ) from error


def _make(path: Path) -> None:
    """Make the file whole, or leave the one that another process has made meanwhile."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(half, path)
    except FileExistsError:
        pass
    finally:
        half.unlink()
